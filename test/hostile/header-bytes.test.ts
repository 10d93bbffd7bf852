/** Headers that differ in one character from an honest one, under checks that are right. */
import { test } from 'vitest';
import { openWorkshop } from '../fixtures/patching.ts';
import { attempt } from './attempt.ts';
import { headerText, withHeader } from './reframe.ts';
import { makeVictim } from './victim.ts';

const workshop = openWorkshop();

test.each(['delta', 'carrying', 'sharing', 'copying'] as const)(
  'any character of the header of a patch of kind %s',
  async (kind) => {
    const victim = await makeVictim(workshop, kind);
    const text = await headerText(victim.patch);
    for (let at = 0; at < text.length; at++) {
      // Digits become other digits, letters other letters, so that most of it still is JSON.
      const changed = String.fromCharCode(text.charCodeAt(at) ^ 1);
      await attempt(victim, await withHeader(victim.patch, text.slice(0, at) + changed + text.slice(at + 1)));
    }
  },
);
