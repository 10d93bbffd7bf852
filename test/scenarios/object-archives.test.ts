/** Archives of objects (libsomething.a): each object that has changed is predicted from the one of its name. */
import { statSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAccess } from '../../src/bytes/access.ts';
import { listAr } from '../../src/nested/list-ar.ts';
import { buildImage } from '../fixtures/images.ts';
import { makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { buildObject } from '../predict/build-object.ts';
import { file, layer } from './scenario.ts';

const workshop = openWorkshop();

function member(name: string, content: Uint8Array): Buffer {
  const header = `${name.padEnd(16)}${'0'.padEnd(12)}0     0     644     ${String(content.length).padEnd(10)}\`\n`;
  return Buffer.concat([Buffer.from(header), content, Buffer.alloc(content.length & 1, '\n')]);
}

/** Objects with long names and short ones, one name twice; in the later version all but the first have changed. */
function archive(isLater: boolean): Buffer {
  const longName = 'an_object_with_a_long_name.o';
  const objects = Array.from({ length: 8 }, (_, k) => {
    const functions = Array.from({ length: 40 }, (_, i) => ({
      name: `function_${k}_${i}`,
      bytes: 40 + ((i * 37 + k) % 160),
      calls: Array.from({ length: 1 + (i % 4) }, (_, c) => `called_${(i * 31 + c * 17) % 40}`),
    }));
    const added = { name: `added_${k}`, bytes: 90, calls: ['another'] };
    return buildObject({ functions: isLater && k > 0 ? functions.toSpliced(5 + k, 0, added) : functions });
  });
  const names = ['a.o', '/0', 'b.o', 'c.o', 'c.o', 'd.o', 'e.o', 'f.o'];
  return Buffer.concat([
    Buffer.from('!<arch>\n'),
    member('//', Buffer.from(`${longName}/\n`)),
    ...objects.map((each, k) => member(names[k]!.startsWith('/') ? names[k]! : `${names[k]}/`, each)),
  ]);
}

const OLD = archive(false);
const NEXT = archive(true);

async function patchBytes(before: Uint8Array, after: Uint8Array): Promise<number> {
  const image = (content: Uint8Array, label: string) =>
    buildImage({ seed: 3, label, layers: [layer(file('usr/lib/lib.a', content))] });
  const base = writeFixture(workshop, 'docker-archive', image(before, 'base'));
  const target = writeFixture(workshop, 'docker-archive', image(after, 'target'));
  const path = workshop.newPath('patch');
  await makePatch(workshop, base, target, path);
  return statSync(path).size;
}

test('members are listed with their whole names', () => {
  const members = listAr(bytesAccess(OLD))!;
  expect(members.map((each) => each.name)).toEqual([
    '//',
    'a.o/',
    'an_object_with_a_long_name.o',
    ...['b.o/', 'c.o/', 'c.o/', 'd.o/', 'e.o/', 'f.o/'],
  ]);
  for (const { start } of members.slice(1)) expect(OLD.subarray(start, start + 4).toString()).toBe('\x7fELF');
  for (const size of [0, 7, 9, 67, OLD.length - 1])
    expect(listAr(bytesAccess(OLD.subarray(0, size)))).toBeUndefined();
});

test('a patch of changed objects is much smaller than one of the same bytes that are no archive', async () => {
  const broken = (bytes: Buffer) => Buffer.concat([Buffer.from('?'), bytes.subarray(1)]);
  const predicted = await patchBytes(OLD, NEXT);
  expect(predicted).toBeLessThan(0.75 * (await patchBytes(broken(OLD), broken(NEXT))));
});

test('patches of archives that are damaged or cut are made all the same', async () => {
  const harm = fc.record({
    at: fc.nat(OLD.length - 1),
    byte: fc.nat(255),
    length: fc.integer({ min: 1, max: OLD.length }),
  });
  const harmed = (bytes: Buffer, { at, byte, length }: { at: number; byte: number; length: number }) => {
    const copy = Buffer.from(bytes);
    copy[at] = byte;
    return length % 3 === 0 ? copy.subarray(0, length) : copy;
  };
  await fc.assert(
    fc.asyncProperty(harm, harm, async (before, after) => {
      await expect(patchBytes(harmed(OLD, before), harmed(NEXT, after))).resolves.toBeGreaterThan(0);
    }),
    { numRuns: 8 },
  );
}, 120_000);
