import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { layerLikeBytes, randomNumbers } from '../../../test/deflate/plain.ts';
import { deflateSteps, randomSteps } from '../../../test/deflate/steps.ts';
import type { ByteSink } from '../bits.ts';
import { createZlibModel } from './model.ts';
import { createPigzModel } from './pigz.ts';

const PYTHON = `
import sys, zlib
level, memory = int(sys.argv[1]), int(sys.argv[2])
data = sys.stdin.buffer
steps = data.readline().decode().split()
plain = data.read()
c = zlib.compressobj(level, zlib.DEFLATED, -15, memory)
out = b""
for step in steps:
    if step == "flush":
        out += c.flush(zlib.Z_SYNC_FLUSH)
    else:
        out += c.compress(plain[:int(step)])
        plain = plain[int(step):]
sys.stdout.buffer.write(out + c.flush())
`;

const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
/** Python's own zlib, not one of the forks. */
const hasPython = has('python3', '-c', 'import zlib,sys; sys.exit("ng" in zlib.ZLIB_RUNTIME_VERSION)');

function run(program: string, args: readonly string[], input: Uint8Array): Buffer {
  return execFileSync(program, args, { input, maxBuffer: 1 << 28 });
}

describe.skipIf(!hasPython)('the model of zlib makes what Python makes', () => {
  for (const memLevel of [8, 9]) {
    for (let level = 1; level <= 9; level++) {
      test(`at level ${level} with memLevel ${memLevel}, flushed at random`, () => {
        const next = randomNumbers(level * memLevel);
        for (let round = 0; round < 4; round++) {
          const size = next() % (round < 2 ? 2000 : 200_000);
          const plain = layerLikeBytes(size, next());
          const steps = randomSteps(size, next);
          const input = Buffer.concat([Buffer.from(`${steps.join(' ')}\n`), plain]);
          const theirs = run('python3', ['-c', PYTHON, String(level), String(memLevel)], input);
          const model = (sink: ByteSink) => createZlibModel(level, memLevel - 8, sink);
          const ours = deflateSteps(model, plain, steps, 1 + (next() % 70_000));
          expect(Buffer.compare(ours, theirs), `round ${round}, ${size} bytes, steps ${steps}`).toBe(0);
        }
      });
    }
  }
});

/** Sizes around blocks and windows. */
const SIZES = [0, 1, 3, 500, 32_767, 65_537, 131_072, 131_073, 262_144, 400_000];

describe.skipIf(!has('gzip', '--version'))('the model of GNU gzip makes what gzip makes', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('at level %i, at sizes around its blocks', (level) => {
    for (const [round, size] of [...SIZES, 1_000_000].entries()) {
      const plain = layerLikeBytes(size, round + 31 * level);
      const theirs = run('gzip', ['-nc', `-${level}`], plain).subarray(10, -8);
      const model = (sink: ByteSink) => createZlibModel(level, 2, sink);
      const ours = deflateSteps(model, plain, [size], 90_000);
      expect(Buffer.compare(ours, theirs), `${size} bytes`).toBe(0);
    }
  });
});

describe.skipIf(!has('pigz', '--version'))('the model of pigz makes what pigz makes', () => {
  test.each([1, 3, 6, 9])('at level %i, at sizes around its blocks', (level) => {
    for (const [round, size] of [...SIZES, 900_000].entries()) {
      const plain = layerLikeBytes(size, round + 37 * level);
      const theirs = run('pigz', ['-nc', '-p', '2', `-${level}`], plain).subarray(10, -8);
      const model = (sink: ByteSink) => createPigzModel(level, 0, 1 << 17, false, sink);
      const ours = deflateSteps(model, plain, [size], 90_000);
      expect(Buffer.compare(ours, theirs), `${size} bytes`).toBe(0);
    }
  });
});
