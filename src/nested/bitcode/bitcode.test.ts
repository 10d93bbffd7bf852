import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeBitcode as closeByTheBook, openBitcode as openByTheBook } from '../../../test/docs/bitcode.ts';
import {
  type BitWriter,
  bitcodeModule,
  type Element,
  type Layout,
  openBitWriter,
  type Value,
} from '../../../test/fixtures/bitcode.ts';
import { bytesAccess } from '../../bytes/access.ts';
import { closeBitcode, MAX_BITCODE_BYTES, openBitcode } from './bitcode.ts';

function open(bytes: Uint8Array, address = 0, mostBytes = 1 << 28) {
  const pieces: Buffer[] = [];
  const { end, plainBytes } = openBitcode(bytesAccess(bytes), address, mostBytes, (piece) =>
    pieces.push(Buffer.from(piece)),
  );
  const plain = Buffer.concat(pieces);
  expect(plainBytes).toBe(plain.length);
  return { plain, end };
}

function close(plain: Uint8Array): Buffer {
  const pieces: Buffer[] = [];
  const closer = closeBitcode((piece) => pieces.push(Buffer.from(piece)));
  for (let at = 0; at < plain.length; at += 1000) closer.write(plain.subarray(at, at + 1000));
  closer.finish();
  return Buffer.concat(pieces);
}

const made = (write: (writer: BitWriter) => void): Uint8Array => {
  const writer = openBitWriter();
  write(writer);
  return writer.bytes();
};
const inBlock = (write: (writer: BitWriter) => void) =>
  made((writer) => writer.block(9, 3, () => write(writer)));

const anyNumber = fc.oneof(
  fc.nat(70),
  fc.nat(2 ** 31 - 1),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(2n ** 53n, 2n ** 53n - 1n, 2n ** 32n, 2n ** 64n - 1n),
);
const element: fc.Arbitrary<Element> = fc.oneof(
  fc.integer({ min: 1, max: 32 }).map((fixed) => ({ fixed })),
  fc.integer({ min: 2, max: 32 }).map((vbr) => ({ vbr })),
  fc.constant('char6' as const),
);
const anyOf = (layout: Element): fc.Arbitrary<number | bigint> => {
  if (layout === 'char6') return fc.constantFrom(...Buffer.from('azAZ09._'));
  if ('fixed' in layout) return fc.integer({ min: 0, max: 2 ** layout.fixed - 1 });
  return anyNumber;
};
const abbreviated: fc.Arbitrary<{ layout: Layout[]; values: Value[] }> = fc
  .tuple(
    fc.array(fc.oneof(element, fc.record({ literal: fc.nat(99) })), { maxLength: 4 }),
    fc.option(element),
    fc.boolean(),
  )
  .filter(([scalars, array, blob]) => scalars.length > 0 || array !== null || blob)
  .chain(([scalars, array, blob]) => {
    const values: fc.Arbitrary<Value>[] = scalars
      .filter((each) => typeof each !== 'object' || !('literal' in each))
      .map((each) => anyOf(each as Element));
    const layout: Layout[] = [...scalars];
    if (array !== null) {
      layout.push({ array });
      values.push(fc.array(anyOf(array), { maxLength: 5 }));
    } else if (blob) {
      layout.push('blob');
      values.push(fc.uint8Array({ maxLength: 9 }));
    }
    return fc.record({ layout: fc.constant(layout), values: fc.tuple(...values) as fc.Arbitrary<Value[]> });
  });

type Item =
  | { kind: 'record'; code: number; operands: (number | bigint)[] }
  | { kind: 'abbreviated'; is: { layout: Layout[]; values: Value[] } }
  | { kind: 'block'; id: number; width: number; items: Item[] };
const { items } = fc.letrec<{ items: Item[]; item: Item }>((tie) => ({
  items: fc.array(tie('item'), { maxLength: 5, depthIdentifier: 'blocks' }),
  item: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'blocks' },
    fc.record({
      kind: fc.constant('record' as const),
      code: fc.nat(20),
      operands: fc.array(anyNumber, { maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('abbreviated' as const), is: abbreviated }),
    fc.record({
      kind: fc.constant('block' as const),
      id: fc.constantFrom(5, 8, 9, 12, 14),
      width: fc.integer({ min: 4, max: 7 }),
      items: tie('items'),
    }),
  ),
}));

function writeItems(writer: BitWriter, list: readonly Item[]): void {
  let abbreviations = 4;
  for (const item of list) {
    if (item.kind === 'record') writer.record(item.code, item.operands);
    else if (item.kind === 'block') writer.block(item.id, item.width, () => writeItems(writer, item.items));
    else {
      writer.define(item.is.layout);
      writer.abbreviated(abbreviations++, item.is.layout, item.is.values);
    }
  }
}

describe('bitcode', () => {
  it('comes back from its plain form, as the format describes it', () => {
    for (const seed of [1, 2]) {
      const bytes = bitcodeModule(seed, 12, seed - 1);
      const { plain, end } = open(bytes);
      expect(end).toBe(bytes.length);
      expect(close(plain).equals(bytes)).toBe(true);
      expect(openByTheBook(Buffer.from(bytes)).plain.equals(plain)).toBe(true);
      expect(closeByTheBook(plain).equals(bytes)).toBe(true);
    }
  });

  it('has the places of functions and names left out of its plain form', () => {
    const [plain, other] = [0, 1].map((release) => open(bitcodeModule(3, 40, release)).plain) as [
      Buffer,
      Buffer,
    ];
    // Functions 2, 7, 12 … have an operand more, and all behind them moves.
    expect(other.length - plain.length).toBeLessThan(2 * 8);
    const places = Buffer.from([4, 1, 0, 4, 2, 0, 4, 3, 0]);
    expect(plain.includes(places) && other.includes(places)).toBe(true);
  });

  it('ends where no further block begins, whatever is behind it', () => {
    const bytes = bitcodeModule(4, 2, 0);
    for (const behind of [Buffer.alloc(600), Buffer.from('usr/lib/next-file'), Buffer.from([1])]) {
      const { end, plain } = open(Buffer.concat([Buffer.alloc(5), bytes, behind]), 5);
      expect(end).toBe(5 + bytes.length);
      expect(plain.equals(open(bytes).plain)).toBe(true);
    }
  });

  it('is opened and comes back, and the second reader agrees, whatever is in it', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 3, max: 7 }), fc.constantFrom(8, 9), (list, width, id) => {
        const bytes = made((writer) => {
          // Many definitions take wider numbers.
          writer.block(id, Math.max(width, 4), () => writeItems(writer, list));
          writer.block(23, 3, () => writer.record(1, [5]));
        });
        let plain: Buffer | undefined;
        try {
          plain = open(bytes).plain;
        } catch (error) {
          // Numbers of more than 32 bits where a place is expected.
          expect(error).toMatchObject({ code: 'CORRUPT_INPUT' });
          expect((error as Error).message).toMatch(/expected of it/);
        }
        if (plain === undefined) expect(() => openByTheBook(Buffer.from(bytes))).toThrow();
        else {
          expect(close(plain).equals(bytes)).toBe(true);
          expect(openByTheBook(Buffer.from(bytes)).plain.equals(plain)).toBe(true);
          expect(closeByTheBook(plain).equals(bytes)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is refused, or opened and comes back, when its bytes are damaged; the second reader agrees', () => {
    const bytes = bitcodeModule(5, 2, 0);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (changes) => {
          const damaged = Buffer.from(bytes);
          for (const [at, value] of changes) damaged[at] = value;
          let plain: Buffer | undefined;
          let end = 0;
          try {
            ({ plain, end } = open(damaged));
          } catch (error) {
            expect(error).toMatchObject({ code: 'CORRUPT_INPUT' });
          }
          if (plain === undefined) expect(() => openByTheBook(damaged)).toThrow();
          else {
            expect(close(plain).equals(damaged.subarray(0, end))).toBe(true);
            expect(openByTheBook(damaged).plain.equals(plain)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is made from a damaged plain form or refused, as the second reader does', () => {
    const { plain } = open(bitcodeModule(6, 2, 0));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(plain.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (changes) => {
          const damaged = Buffer.from(plain);
          for (const [at, value] of changes) damaged[at] = value;
          let closed: Buffer | undefined;
          try {
            closed = close(damaged);
          } catch (error) {
            expect(error).toMatchObject({ code: 'CORRUPT_INPUT' });
          }
          if (closed === undefined) expect(() => closeByTheBook(damaged)).toThrow();
          else expect(closeByTheBook(damaged).equals(closed)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('what is no bitcode as the format has it', () => {
  const array: Layout[] = [{ literal: 1 }, { array: { fixed: 1 } }];
  it.each<[string, Uint8Array, RegExp]>([
    [
      'nothing behind the magic number',
      Buffer.concat([Buffer.from('4243c0de', 'hex'), Buffer.alloc(9)]),
      /no block/,
    ],
    ['a block that is cut short', bitcodeModule(7, 2, 0).subarray(0, 900), /cut short/],
    [
      'a number in more groups than it takes',
      inBlock((writer) => {
        writer.fixed(3, 3);
        writer.fixed(32, 6);
        writer.fixed(0, 6);
      }),
      /shortest form/,
    ],
    ['a number of 65 bits', inBlock((writer) => writer.record(1, [2n ** 64n])), /more than 64 bits/],
    [
      'a number without end',
      inBlock((writer) => {
        writer.fixed(3, 3);
        for (let i = 0; i < 600; i++) writer.fixed(63, 6);
      }),
      /more than 64 bits|cut short/,
    ],
    [
      'bits where it is padded',
      inBlock((writer) => {
        writer.fixed(0, 3);
        writer.fixed(1, 29);
      }),
      /padded/,
    ],
    [
      'a block of another length',
      made((writer) => {
        writer.block(9, 3, () => writer.block(9, 3, () => writer.record(1, [1, 2, 3, 4, 5])));
        writer.patch(96 + 32, 1);
      }),
      /length|reaches past/,
    ],
    [
      'an inner block that reaches past',
      made((writer) => {
        writer.block(9, 3, () => writer.block(9, 3, () => writer.record(1, [1])));
        writer.patch(128, 2 ** 32 - 1);
      }),
      /reaches past/,
    ],
    ['an abbreviation that is not there', inBlock((writer) => writer.fixed(4, 3)), /no abbreviation 4/],
    ['an abbreviation without operands', inBlock((writer) => writer.define([])), /no operands/],
    [
      'an element that takes no bits',
      inBlock((writer) => {
        writer.define([{ array: { literal: 5 } }]);
        writer.abbreviated(4, [{ array: { literal: 5 } }], [[]]);
      }),
      /scalar elements/,
    ],
    ['an operand of 33 bits', inBlock((writer) => writer.define([{ fixed: 33 }])), /33 bits/],
    ['groups of one bit', inBlock((writer) => writer.define([{ vbr: 1 }])), /1 bits/],
    [
      'an array that is longer than all',
      inBlock((writer) => {
        writer.define(array);
        writer.fixed(4, 3);
        writer.vbr(2n ** 60n, 6);
      }),
      /cut short/,
    ],
    [
      'a definition for no block',
      made((writer) => writer.block(0, 2, () => writer.define(array))),
      /no block/,
    ],
    [
      'a block in block 0',
      made((writer) => writer.block(0, 2, () => writer.block(9, 3, () => {}))),
      /has a block in it/,
    ],
    [
      'blocks that lie too deep',
      made((writer) => {
        const nest = (depth: number) => writer.block(9, 3, () => depth > 0 && nest(depth - 1));
        nest(32);
      }),
      /32 deep/,
    ],
    [
      'too many blocks',
      made((writer) => {
        for (let i = 0; i < 4097; i++) writer.block(9, 3, () => {});
      }),
      /more than 4096 outermost blocks/,
    ],
    [
      'too many definitions',
      inBlock((writer) => {
        for (let i = 0; i < 33_000; i++) writer.define([{ fixed: 1 }]);
      }),
      /more than 65536 operands/,
    ],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => open(bytes)).toThrow(message);
    expect(() => openByTheBook(Buffer.from(bytes))).toThrow();
  });

  it('is more than the bound, closed or plain, before it takes the memory', () => {
    const bytes = made((writer) => writer.block(9, 3, () => writer.record(1, [1])));
    const claim = Buffer.from(bytes);
    claim.writeUInt32LE(MAX_BITCODE_BYTES / 4, 8);
    const large = {
      sizeBytes: 2 ** 40,
      readAt: (at: number, into: Uint8Array) => void into.set(claim.subarray(at, at + into.length)),
    };
    expect(() => openBitcode(large, 0, 2 ** 40, () => {})).toThrow(/more than 16777216 bytes/);
    expect(() => open(bitcodeModule(8, 3, 0), 0, 500)).toThrow(/more than the 500/);
    const closer = closeBitcode(() => {});
    const piece = new Uint8Array(1 << 20);
    expect(() => {
      for (let i = 0; i < 17; i++) closer.write(piece);
    }).toThrow(/more than 16777216/);
  });

  it('grows no faster than its bytes, however its abbreviations are made', () => {
    const wide: Layout[] = Array.from({ length: 4000 }, () => ({ literal: 0 }));
    const bytes = inBlock((writer) => {
      writer.define([...wide, { fixed: 1 }]);
      for (let i = 0; i < 20_000; i++) writer.abbreviated(4, [{ fixed: 1 }], [1]);
    });
    const start = performance.now();
    expect(close(open(bytes).plain).equals(bytes)).toBe(true);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

const clang = findClang();

describe('what clang makes', () => {
  it.skipIf(clang === undefined)(
    `comes back bit for bit${clang === undefined ? ' (there is no clang)' : ''}`,
    () => {
      const directory = mkdtempSync(join(tmpdir(), 'didiff-clang-'));
      try {
        const [source, output] = ['a.c', 'a.bc'].map((name) => join(directory, name)) as [string, string];
        writeFileSync(
          source,
          'static int twice(int a) { return 2 * a; }\nint sum(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += twice(a[i]); return s; }\n',
        );
        for (const flags of [['-O0'], ['-O2'], ['-O2', '-flto=thin'], ['-O2', '-g']]) {
          execFileSync(clang!, [...flags, '-emit-llvm', '-c', source, '-o', output]);
          const bytes = readFileSync(output);
          const { plain, end } = open(bytes);
          expect(end).toBe(bytes.length);
          expect(close(plain).equals(bytes)).toBe(true);
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );
});

function findClang(): string | undefined {
  try {
    execFileSync('clang', ['--version'], { stdio: 'ignore' });
    return 'clang';
  } catch {
    return undefined;
  }
}
