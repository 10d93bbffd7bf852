import { LAYER_SCENARIOS } from './layer-rows.ts';
import { describeScenarios } from './run.ts';

describeScenarios(LAYER_SCENARIOS);
