import { describeEngine } from '../engines/suite.ts';
import { testUpdates } from './update.ts';

describeEngine('docker-26-containerd', testUpdates);
