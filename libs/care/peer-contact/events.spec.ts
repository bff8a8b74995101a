import { describeGoldenFiles } from '../../kernel/golden.js';
import { peerContactEvents } from './events.js';

describeGoldenFiles(import.meta.url, peerContactEvents);
