/** Random streams in well-framed patches. Whatever they are, the end is a refusal or the exact image. */
import fc from 'fast-check';
import { test } from 'vitest';
import { encodeVarint, zigzag } from '../../src/bytes/varint.ts';
import {
  DELTA_STREAMS,
  OP_BITS,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
  STREAM_TEXT,
} from '../../src/patch/format.ts';
import { openWorkshop } from '../fixtures/patching.ts';
import { attempt } from './attempt.ts';
import { chunk, putTogether, streamsOf, takeApart, withChunks, withStreams } from './reframe.ts';
import { makeVictim } from './victim.ts';

const workshop = openWorkshop();
const victim = await makeVictim(workshop, 'classic');
const LAYER = 1;
const TAR_BYTES = victim.image.layers[LAYER]!.tar.length;
const honest = await streamsOf(victim.patch, LAYER);
const RUNS = { numRuns: 150 };

test('streams of random bytes', async () => {
  const streams = fc.tuple(...DELTA_STREAMS.map(() => fc.uint8Array({ maxLength: 300 })));
  await fc.assert(
    fc.asyncProperty(streams, async (all) => {
      await attempt(victim, await withStreams(victim.patch, LAYER, new Map(all.entries())));
    }),
    RUNS,
  );
});

/** Numbers as an attacker picks them: near zero, near the sizes that count, and at the ends of what can be written. */
const number = fc.oneof(
  fc.nat(5),
  fc.nat(2 * TAR_BYTES),
  fc.constantFrom(TAR_BYTES, TAR_BYTES - 1, 512, 2 ** 31, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER),
);
const op = fc
  .tuple(
    fc.nat(2 ** OP_BITS - 1),
    fc.oneof({ weight: 4, arbitrary: fc.nat(600) }, { weight: 1, arbitrary: number }),
  )
  .filter(([, length]) => length < 2 ** (53 - OP_BITS))
  .map(([code, length]) => encodeVarint(length * 2 ** OP_BITS + code));
const varints = (each: fc.Arbitrary<number>) =>
  fc.array(each.map(encodeVarint), { maxLength: 20 }).map((all) => Buffer.concat(all));
const seek = fc
  .tuple(number, fc.boolean())
  .map(([value, back]) => zigzag((back ? -1 : 1) * Math.min(value, 2 ** 51)));

test('programs of random ops, whose numbers are well-formed', async () => {
  const program = fc.record({
    [STREAM_OPS]: fc.array(op, { maxLength: 20 }).map((all) => Buffer.concat(all)),
    [STREAM_SEEKS]: varints(seek),
    [STREAM_REPEATS]: varints(seek),
    [STREAM_GAPS]: varints(number),
    [STREAM_DIFFS]: fc.uint8Array({ maxLength: 50 }),
    [STREAM_HEADERS]: fc.uint8Array({ maxLength: 100 }),
    [STREAM_BINARY]: fc.uint8Array({ maxLength: 2000 }),
    [STREAM_TEXT]: fc.nat(2 * TAR_BYTES).map((length) => new Uint8Array(length)),
  });
  await fc.assert(
    fc.asyncProperty(program, async (streams) => {
      const all = Object.entries(streams).map(([stream, bytes]) => [Number(stream), bytes] as const);
      await attempt(victim, await withStreams(victim.patch, LAYER, new Map(all)));
    }),
    RUNS,
  );
});

test('honest streams with some bytes changed, lost or more', async () => {
  const splice = fc.record({
    stream: fc.constantFrom(...honest.keys()),
    at: fc.nat(2000),
    lost: fc.nat(3),
    more: fc.uint8Array({ maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(splice, { minLength: 1, maxLength: 3 }), async (splices) => {
      const streams = new Map(honest);
      for (const { stream, at, lost, more } of splices) {
        const bytes = streams.get(stream)!;
        const start = at % (bytes.length + 1);
        streams.set(stream, Buffer.concat([bytes.subarray(0, start), more, bytes.subarray(start + lost)]));
      }
      const chunks = [...streams]
        .filter(([, bytes]) => bytes.length > 0)
        .map(([stream, bytes]) => chunk(LAYER, stream, bytes));
      // Under the honest header, whose sizes then lie, and under one that says the sizes as they are, all stored.
      await attempt(victim, await withChunks(victim.patch, LAYER, chunks));
      await attempt(victim, await withStreams(victim.patch, LAYER, streams));
    }),
    RUNS,
  );
});

test('sections of any kind and content in any order', async () => {
  const sections = await takeApart(victim.patch);
  const any = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...sections) },
    { weight: 1, arbitrary: fc.record({ kind: fc.nat(255), payload: fc.uint8Array({ maxLength: 40 }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(any, { maxLength: 12 }), async (others) => {
      await attempt(victim, putTogether(others));
      await attempt(victim, putTogether([...sections.slice(0, 2), ...others, ...sections.slice(2)]));
    }),
    RUNS,
  );
});

test('headers and documents of random bytes', async () => {
  const sections = await takeApart(victim.patch);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(1), async (payload, index) => {
      await attempt(victim, putTogether(sections.with(index, { ...sections[index]!, payload })));
    }),
    RUNS,
  );
});
