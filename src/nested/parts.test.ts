import { tmpdir } from 'node:os';
import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededText } from '../../test/fixtures/random.ts';
import { buildZip, type ZipMember } from '../../test/fixtures/zip.ts';
import { bytesAccess, sliceAccess } from '../bytes/access.ts';
import { zlib } from '../deflate/engines.ts';
import { readGzipHeader } from '../deflate/gzip.ts';
import { Inflater } from '../deflate/inflate.ts';
import { closePart, openDeflater } from './close-part.ts';
import { closedDirectory } from './directory.ts';
import { openEngineFinder } from './find-engine.ts';
import { FORM_DIRECTORY, FORM_ENTRY, FORM_GZIP, FORM_RAW, type Form } from './forms.ts';
import { listZip } from './list-zip.ts';
import { openPart } from './open-part.ts';
import { encodeViews, openViewedSpace, openViews } from './views.ts';

const inflater = new Inflater();

function open(bytes: Uint8Array, form: Form, address: number, isOpened = (_: number) => true) {
  const pieces: Buffer[] = [];
  const options = { inflater, mostBytes: 1 << 26, isOpened };
  const part = openPart(bytesAccess(bytes), form, address, options, (piece) =>
    pieces.push(Buffer.from(piece)),
  );
  return { ...part, plain: Buffer.concat(pieces) };
}

const textMember = (seed: number, count: number, more: Partial<ZipMember> = {}): ZipMember => ({
  name: `dir/member-${seed}.txt`,
  content: seededText(seed, count),
  ...more,
});

describe('a part of a file', () => {
  it.each([
    ['a raw stream', FORM_RAW, deflateRawSync(seededText(1, 200_000))],
    ['a gzip member', FORM_GZIP, gzipSync(seededText(2, 200_000))],
    ['a zip entry with its sums in front', FORM_ENTRY, buildZip([textMember(3, 90_000)])],
    ['a zip entry with its sums behind', FORM_ENTRY, buildZip([textMember(4, 9, { hasDescriptor: true })])],
  ] as const)('%s comes back from its plain form', (_, form, bytes) => {
    const { plain, end } = open(bytes, form, 0);
    const closed: Buffer[] = [];
    const deflater = openDeflater(zlib(6, 3));
    // Twice, because the tables are used again.
    for (let round = 0; round < 2; round++) {
      closed.length = 0;
      const closer = closePart(
        form,
        deflater,
        (piece) => closed.push(Buffer.from(piece)),
        () => {},
      );
      for (let at = 0; at < plain.length; at += 1000) closer.write(plain.subarray(at, at + 1000));
      closer.finish();
      expect(Buffer.concat(closed).equals(bytes.subarray(0, end))).toBe(true);
    }
  });

  it('is not opened when its checksum, sizes or trailer are not those of its content', () => {
    const zip = buildZip([textMember(5, 5000)]);
    for (const at of [14, 18, 22]) {
      const damaged = Buffer.from(zip);
      damaged[at]! ^= 1;
      expect(() => open(damaged, FORM_ENTRY, 0)).toThrow(/checksum or sizes/);
    }
    const gzip = gzipSync(seededText(6, 5000));
    gzip[gzip.length - 2]! ^= 1;
    expect(() => open(gzip, FORM_GZIP, 0)).toThrow(/trailer/);
  });

  it('is not opened beyond what it may come to', () => {
    const bomb = deflateRawSync(new Uint8Array(1 << 22));
    let seen = 0;
    const options = { inflater, mostBytes: 100_000, isOpened: () => false };
    const count = (piece: Uint8Array) => {
      seen += piece.length;
    };
    expect(() => openPart(bytesAccess(bomb), FORM_RAW, 0, options, count)).toThrow(/more than the 100000/);
    expect(seen).toBeLessThanOrEqual(100_000);
  });

  it('is refused or opened, and never does anything else, whatever its bytes are', () => {
    const zip = buildZip([textMember(7, 300), textMember(8, 200, { hasDescriptor: true })]);
    fc.assert(
      fc.property(
        fc.nat(zip.length - 1),
        fc.array(fc.tuple(fc.nat(zip.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.constantFrom<Form>(FORM_RAW, FORM_GZIP, FORM_ENTRY, FORM_DIRECTORY),
        (address, changes, form) => {
          const bytes = Buffer.from(zip);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            open(bytes, form, address);
          } catch (error) {
            expect(error).toMatchObject({ code: 'CORRUPT_INPUT' });
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('a directory', () => {
  const members = [1, 2, 3, 4].map((seed) => textMember(seed, 100 * seed, { hasDescriptor: seed % 2 === 0 }));
  const zip = buildZip(members, { comment: 'made by hand' });
  const listing = listZip(bytesAccess(zip))!;
  const entries = new Map(listing.entries.map((entry) => [entry.start - listing.archiveStart, entry]));

  it('is listed with its entries, behind whatever stands before the archive', () => {
    const prefix = Buffer.from('#!/bin/sh\n');
    for (const [bytes, archiveStart] of [
      [zip, 0],
      [buildZip(members, { prefix }), prefix.length],
    ] as const) {
      const found = listZip(bytesAccess(bytes))!;
      expect(found.archiveStart).toBe(archiveStart);
      expect(found.entries.map(({ name }) => name)).toEqual(members.map(({ name }) => name));
      const ends = [...found.entries.slice(1).map(({ start }) => start), found.directoryStart];
      expect(found.entries.map(({ end }) => end)).toEqual(ends);
    }
  });

  it('comes back from its plain form, whichever entries are opened', () => {
    for (const wanted of [() => true, () => false, (offset: number) => offset % 3 === 0]) {
      const isOpened = (address: number) => wanted(address - listing.archiveStart);
      const { plain, end } = open(zip, FORM_DIRECTORY, listing.directoryStart, isOpened);
      expect(end).toBe(zip.length);
      const closed: Buffer[] = [];
      const sumsAt = (offset: number) => (wanted(offset) ? entries.get(offset) : undefined);
      const startsAt = listing.directoryStart - listing.archiveStart;
      const stream = closedDirectory(sumsAt, startsAt, (piece) => closed.push(Buffer.from(piece)));
      for (let at = 0; at < plain.length; at += 7) stream.write(plain.subarray(at, at + 7));
      stream.finish();
      expect(Buffer.concat(closed).equals(zip.subarray(listing.directoryStart))).toBe(true);
    }
  });

  it('is closed from a copy of what is given', () => {
    const { directoryStart } = listZip(bytesAccess(zip))!;
    const { plain } = open(zip, FORM_DIRECTORY, directoryStart, () => false);
    const given = Buffer.from(plain);
    const stream = closedDirectory(
      () => undefined,
      directoryStart,
      () => {},
    );
    stream.write(given);
    stream.finish();
    expect(given.equals(plain)).toBe(true);
  });

  it('is the same when an entry before grew, but for what is left out', () => {
    const grown = buildZip([textMember(1, 5000), ...members.slice(1)], { comment: 'made by hand' });
    const { directoryStart } = listZip(bytesAccess(grown))!;
    const before = open(zip, FORM_DIRECTORY, listing.directoryStart, () => true);
    expect(open(grown, FORM_DIRECTORY, directoryStart).plain.equals(before.plain)).toBe(true);
  });

  it('is no listing when its end record does not lead to it', () => {
    const damaged = Buffer.from(zip);
    damaged.writeUInt32LE(zip.length, damaged.length - 12 - 22 + 16);
    expect(listZip(bytesAccess(damaged))).toBeUndefined();
    expect(listZip(bytesAccess(Buffer.alloc(100)))).toBeUndefined();
    expect(listZip(bytesAccess(zip.subarray(0, zip.length - 1)))).toBeUndefined();
  });
});

describe('views', () => {
  it('may be taken from within views, and are as their list says', () => {
    const inner = buildZip([textMember(11, 3000), textMember(12, 10_000)]);
    const outer = buildZip([{ name: 'inner.jar', content: inner }, textMember(13, 50)]);
    const base = bytesAccess(outer);
    const space = openViewedSpace(base, tmpdir());
    const jar = space.open({ form: FORM_ENTRY, address: 0 }, 1 << 20);
    const inside = jar.viewAddress + 30 + 'inner.jar'.length;
    const listing = listZip(sliceAccess(space, inside, inner.length))!;
    const views = [jar];
    for (const { start } of listing.entries)
      views.push(space.open({ form: FORM_ENTRY, address: inside + start }, 1 << 20));
    views.push(space.open({ form: FORM_DIRECTORY, address: inside + listing.directoryStart }, 1 << 20));
    const plainBytes = views.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const again = openViews(encodeViews(views), plainBytes, base, tmpdir());
    const read = (from: typeof space) => {
      const all = new Uint8Array(from.sizeBytes);
      from.readAt(0, all);
      return Buffer.from(all);
    };
    expect(read(again).equals(read(space))).toBe(true);
    expect(read(again).includes(Buffer.from(textMember(12, 10_000).content))).toBe(true);
    for (const wrong of [plainBytes - 1, plainBytes + 1])
      expect(() => openViews(encodeViews(views), wrong, base, tmpdir())).toThrow(/more than|less than/);
    again.close();
    space.close();
  });

  it('can not be taken from what they are themselves, nor from outside', () => {
    const base = bytesAccess(deflateRawSync(seededText(14, 100)));
    for (const address of [-1, base.sizeBytes, base.sizeBytes + 5])
      expect(() =>
        openViews(encodeViews([{ form: FORM_RAW, address, end: 0 }]), 100, base, tmpdir()),
      ).toThrow(/outside of/);
  });
});

describe('an engine', () => {
  it('is found for streams of any size, and not for those that none makes', () => {
    const finder = openEngineFinder();
    for (const [seed, count] of [
      [1, 3],
      [2, 700],
      [3, 90_000],
    ] as const) {
      const plain = bytesAccess(seededText(seed, count));
      const gzip = gzipSync(seededText(seed, count));
      const stream = sliceAccess(bytesAccess(gzip), 10, gzip.length - 18);
      expect(finder.find(stream, plain, readGzipHeader(bytesAccess(gzip), 0))).toBeDefined();
      expect(finder.find(stream, bytesAccess(seededText(seed + 9, count)))).toBeUndefined();
    }
  });
});
