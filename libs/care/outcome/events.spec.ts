import { describeGoldenFiles } from '../../kernel/golden.js';
import { outcomeEvents } from './events.js';

describeGoldenFiles(import.meta.url, outcomeEvents);
