import { describeEngine } from '../engines/suite.ts';
import { testUpdates } from './update.ts';

describeEngine('podman', testUpdates);
