/** A patch of which any one byte is another is refused: every byte of it is under a check. */
import { expect, test } from 'vitest';
import { openWorkshop } from '../fixtures/patching.ts';
import { refusal } from './attempt.ts';
import { makeVictim, type Victim } from './victim.ts';

const workshop = openWorkshop();
const victims: Victim[] = [await makeVictim(workshop, 'delta'), await makeVictim(workshop, 'carrying')];

test.each([0x01, 0xff])('any byte is changed by %d', async (change) => {
  for (const victim of victims) {
    for (let at = 0; at < victim.patch.length; at++) {
      const changed = Uint8Array.from(victim.patch);
      changed[at]! ^= change;
      const error = await refusal(victim, changed);
      expect([at, error.code]).toEqual([at, at === 8 ? 'UNSUPPORTED' : 'CORRUPT_INPUT']);
    }
  }
});
