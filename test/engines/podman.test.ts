import { testConformance } from './conforming.ts';
import { testReading } from './reading.ts';
import { describeEngine } from './suite.ts';
import { testWriting } from './writing.ts';

describeEngine('podman', (engine) => {
  testReading(engine);
  testWriting(engine);
  testConformance('podman', engine);
});
