import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { bytesAccess } from '../../bytes/access.ts';
import { startMixer } from '../../kernels/mix.ts';
import { type CodedSource, LATER } from '../coded-source.ts';
import { encodeRecall } from '../recall-stream.ts';
import { CODEC_MIX_BYTES, CODEC_RECALL, type ListedStream, type StreamDecoder } from '../stream-decoder.ts';
import { portOf } from './messages.ts';
import { connectDecoders, type RemoteDecoders } from './remote.ts';
import { serveDecoding } from './serve.ts';

const WINDOW_BITS = 16;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Both sides in this thread, as they would be in two. */
function connect(isServed = true): { remote: RemoteDecoders; idle: () => number } {
  const { port1, port2 } = new MessageChannel();
  closers.push(() => port1.close());
  let idle = 0;
  const remote = connectDecoders(portOf(port1), () => {
    idle++;
  });
  if (isServed) serveDecoding(portOf(port2));
  return { remote, idle: () => idle };
}

/** Every piece is late at first when `isLate`. */
function sourceOf(coded: Uint8Array, pieceBytes: number, isLate = () => false): CodedSource {
  let at = 0;
  const pull = async () => {
    if (at >= coded.length) return undefined;
    at += pieceBytes;
    return coded.subarray(at - pieceBytes, at);
  };
  return { pull, pullAhead: async () => (isLate() ? LATER : await pull()) };
}

const noneHere = (): StreamDecoder => {
  throw new Error('it should be decoded there');
};

/** Keeps to what `plainReader` does: a piece is read until the next is there, and joined with that. */
async function readAll(decoder: StreamDecoder): Promise<Buffer> {
  let all = Buffer.alloc(0);
  let last: Uint8Array = new Uint8Array(0);
  for (;;) {
    const piece = await decoder.next();
    all = Buffer.concat([all, last]);
    if (piece === undefined) return all;
    last = piece;
  }
}

const recalled = (plain: Uint8Array) =>
  Buffer.concat([...encodeRecall(bytesAccess(plain), WINDOW_BITS)].map(({ coded }) => coded));
const listedRecall = (plain: Uint8Array): ListedStream => ({
  codec: CODEC_RECALL,
  plainBytes: plain.length,
  windowBits: WINDOW_BITS,
});

/** More than all slots hold. */
const LONG = Buffer.from(
  Array.from({ length: 30_000 }, (_, i) => `line ${i} of ${(i * i) % 977}, which is long enough\n`).join(''),
);

test('a stream comes out as it went in, however it is cut and however late its pieces are', async () => {
  const coded = recalled(LONG);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 100, max: 40_000 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      async (pieceBytes, late) => {
        const { remote, idle } = connect();
        let asked = 0;
        const source = sourceOf(coded, pieceBytes, () => late[asked++ % late.length]!);
        const decoder = remote.open(listedRecall(LONG), source, 'stream x', noneHere);
        expect((await readAll(decoder)).equals(LONG)).toBe(true);
        expect(await decoder.next()).toBeUndefined();
        expect(idle()).toBe(1);
      },
    ),
    { numRuns: 5 },
  );
});

test('several streams are decoded side by side, short ones as a whole', async () => {
  const { remote, idle } = connect();
  const short = LONG.subarray(0, 50_000);
  const mixed = startMixer().encode(0, short)!;
  const listed = { codec: CODEC_MIX_BYTES, plainBytes: short.length, windowBits: 0 } as const;
  const coded = recalled(LONG);
  const long = remote.open(listedRecall(LONG), sourceOf(coded, 5000), 'long', noneHere);
  const decoder = remote.open(listed, sourceOf(mixed, 777), 'short', noneHere);
  expect((await readAll(decoder)).equals(short)).toBe(true);
  expect(idle()).toBe(0);
  expect((await readAll(long)).equals(LONG)).toBe(true);
  expect(idle()).toBe(1);
});

test('no more is read ahead than is allowed, and what is not is read when it is needed', async () => {
  const { remote } = connect();
  const coded = recalled(LONG);
  let forced = 0;
  const { pull } = sourceOf(coded, 1 << 14);
  const source: CodedSource = {
    pull: () => {
      forced++;
      return pull();
    },
    pullAhead: async () => LATER,
  };
  const decoder = remote.open(listedRecall(LONG), source, 'stream x', noneHere);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(forced).toBe(0);
  expect((await readAll(decoder)).equals(LONG)).toBe(true);
  expect(forced).toBe(Math.ceil(coded.length / (1 << 14)) + 1);
});

test('what is wrong with a stream is told as it would be here', async () => {
  const { remote, idle } = connect();
  const coded = recalled(LONG);
  const cut = sourceOf(coded.subarray(0, -100), 9000);
  const decoder = remote.open(listedRecall(LONG), cut, 'stream x', noneHere);
  await expect(readAll(decoder)).rejects.toMatchObject({
    code: 'CORRUPT_INPUT',
    message: expect.stringMatching(/^stream x is damaged: it is cut short|after its end/),
  });
  expect(idle()).toBe(1);
  const broken: CodedSource = {
    pull: () => Promise.reject(new Error('the disk is gone')),
    pullAhead: () => Promise.reject(new Error('the disk is gone')),
  };
  await expect(readAll(remote.open(listedRecall(LONG), broken, 'y', noneHere))).rejects.toThrow('the disk');
});

test('a thread that never comes up leaves all to this one', async () => {
  const { remote } = connect(false);
  const here: StreamDecoder = { next: async () => undefined, close() {} };
  const source: CodedSource = { pull: noneHere as never, pullAhead: noneHere as never };
  const decoder = remote.open(listedRecall(LONG), source, 'stream x', () => here);
  remote.lose();
  expect(await decoder.next()).toBeUndefined();
  decoder.close();
});

test('a thread that ends too early is an error, not a wait', async () => {
  const { remote } = connect();
  const forever = new Promise<undefined>(() => {});
  let next: Promise<unknown> | undefined;
  await new Promise<void>((begun) => {
    const pullAhead = () => {
      begun();
      return forever;
    };
    next = remote.open(listedRecall(LONG), { pull: pullAhead, pullAhead }, 'stream x', noneHere).next();
  });
  remote.lose();
  await expect(next).rejects.toMatchObject({ code: 'INTERNAL', hint: 'Try again with --threads 1.' });
});
