/** Patches that are damaged, in disorder, glued together or never were patches: all are refused, and say so. */
import { expect, test } from 'vitest';
import { openPatchReader } from '../../src/patch/reader.ts';
import { inPieces, openWorkshop } from '../fixtures/patching.ts';
import { refusal } from './attempt.ts';
import { takeApart } from './reframe.ts';
import { makeVictim, type Victim } from './victim.ts';

const workshop = openWorkshop();
const victims: Victim[] = [await makeVictim(workshop, 'delta'), await makeVictim(workshop, 'carrying')];

test('damage is found in the section where it is', async () => {
  const { patch } = victims[0]!;
  for (const [index, { offset, fileBytes }] of (await takeApart(patch)).entries()) {
    const changed = Uint8Array.from(patch);
    changed[offset + fileBytes - 1]! ^= 1;
    const error = await refusal(victims[0]!, changed);
    expect(error.message).toContain(`section ${index} at byte ${offset}`);
    expect(error.hint).toMatch(/again/);
  }
});

test('sections are lost, come twice or change places', async () => {
  const victim = victims[0]!;
  const sections = await takeApart(victim.patch);
  const pieces = sections.map(({ offset, fileBytes }) => victim.patch.subarray(offset, offset + fileBytes));
  const start = victim.patch.subarray(0, 9);
  const joined = (order: readonly number[]) =>
    Buffer.concat([start, ...order.map((index) => pieces[index]!)]);
  const order = [...pieces.keys()];
  for (const index of order) {
    const twice = order.toSpliced(index, 0, index);
    const lost = order.toSpliced(index, 1);
    for (const wrong of [twice, lost]) {
      expect((await refusal(victim, joined(wrong))).code).toBe('CORRUPT_INPUT');
    }
    if (index === 0) continue;
    const swapped = order.with(index, index - 1).with(index - 1, index);
    expect((await refusal(victim, joined(swapped))).code).toBe('CORRUPT_INPUT');
  }
});

test.each([
  ['one byte', (patch: Uint8Array) => Buffer.concat([patch, Buffer.alloc(1)])],
  ['the patch itself once more', (patch: Uint8Array) => Buffer.concat([patch, patch])],
  ['a megabyte', (patch: Uint8Array) => Buffer.concat([patch, Buffer.alloc(1 << 20)])],
])('%s follows the end', async (_, change) => {
  for (const victim of victims) {
    const error = await refusal(victim, change(victim.patch));
    expect(error.message).toBe(`the patch goes on after its end at byte ${victim.patch.length}`);
  }
});

test.each([
  ['nothing', ''],
  ['text', 'FROM debian:stable\nRUN apt-get update\n'],
  ['a gzip file', '\x1f\x8b\x08\0\0\0\0\0\0\0\0\0\0\0'],
  ['the magic with other line ends', '\x89didiff\r\n\x01'],
])('%s is no patch', async (_, text) => {
  const error = await refusal(victims[0]!, Buffer.from(text, 'latin1'));
  expect(error).toMatchObject({
    code: 'CORRUPT_INPUT',
    message: expect.stringContaining('not a didiff patch'),
  });
  expect(error.hint).toContain('didiff create');
});

test('a patch that never ends is given up at the first section that claims too much', async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield victims[0]!.patch.subarray(0, 9);
    yield Uint8Array.of(1, 0xff, 0xff, 0xff, 0x7f);
    for (; given < 1 << 30; given += 1 << 16) yield new Uint8Array(1 << 16);
  }
  await expect(openPatchReader(endless())).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
  expect(given).toBe(0);
});

test('a patch is read the same however it comes in', async () => {
  for (const victim of victims) {
    for (const pieceBytes of [1, 2, 3, 7, 100, 1 << 20]) {
      const reader = await openPatchReader(inPieces(victim.patch, pieceBytes));
      await reader.finish();
      expect(reader.documents.config.digest).toBe(victim.image.config.digest);
    }
  }
});
