import { FILE_SCENARIOS } from './file-rows.ts';
import { describeScenarios } from './run.ts';

describeScenarios(FILE_SCENARIOS);
