import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.ts';

describe('what a registry asks for', () => {
  it.each([
    [
      'Bearer realm="https://auth.test/token",service="a b",scope="repository:x:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: {
            realm: 'https://auth.test/token',
            service: 'a b',
            scope: 'repository:x:pull,push',
          },
        },
      ],
    ],
    [
      'Basic realm="a \\"b\\", c" , BEARER Realm = x',
      [
        { scheme: 'basic', parameters: { realm: 'a "b", c' } },
        { scheme: 'bearer', parameters: { realm: 'x' } },
      ],
    ],
    [
      'Negotiate, Basic',
      [
        { scheme: 'negotiate', parameters: {} },
        { scheme: 'basic', parameters: {} },
      ],
    ],
    ['', []],
    ['"', []],
  ])('%s', (header, challenges) => {
    expect(parseChallenges(header)).toEqual(challenges);
  });

  it('is read to an end, whatever it is', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z ="\\,]*$/));
    fc.assert(
      fc.property(text, (header) => {
        for (const { scheme, parameters } of parseChallenges(header)) {
          expect(scheme).toMatch(/^\S+$/);
          for (const name of Object.keys(parameters)) expect(name).toBe(name.toLowerCase());
        }
      }),
    );
  });
});
