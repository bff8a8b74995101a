import { describeGoldenFiles } from '../../kernel/golden.js';
import { organizationEvents } from './events.js';

describeGoldenFiles(import.meta.url, organizationEvents);
