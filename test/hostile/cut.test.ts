/** A patch of which only a part arrived is refused, wherever it ends, and says where. */
import { expect, test } from 'vitest';
import { openWorkshop } from '../fixtures/patching.ts';
import { refusal } from './attempt.ts';
import { takeApart } from './reframe.ts';
import { makeVictim, type Victim } from './victim.ts';

const workshop = openWorkshop();
const victims: Victim[] = [await makeVictim(workshop, 'delta'), await makeVictim(workshop, 'carrying')];

test('a patch is cut at any byte', async () => {
  for (const victim of victims) {
    const boundaries = new Set((await takeApart(victim.patch)).map(({ offset }) => offset));
    expect(boundaries.size).toBeGreaterThanOrEqual(4);
    for (let length = 0; length < victim.patch.length; length++) {
      const error = await refusal(victim, victim.patch.subarray(0, length));
      expect(error.code).toBe('CORRUPT_INPUT');
      expect(error.message).toMatch(length < 9 ? /not a didiff patch/ : /cut off: it ends at byte \d+/);
      if (boundaries.has(length)) expect(error.message).toContain(`ends at byte ${length}, inside section`);
    }
  }
});
