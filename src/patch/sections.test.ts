import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inPieces } from '../../test/fixtures/patching.ts';
import { CHECK_BYTES, OPTIONAL_KINDS, SECTION_END, SECTION_STREAM } from './format.ts';
import { encodeStreamPayload, parseStreamPayload, readSections, sectionFramer } from './sections.ts';

const KNOWN_KINDS = [1, 2, 3, OPTIONAL_KINDS, 255];
const sections = fc.array(
  fc.record({ kind: fc.constantFrom(...KNOWN_KINDS), payload: fc.uint8Array({ maxLength: 300 }) }),
  { maxLength: 8 },
);

test('sections come back as they were framed, however the file is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(sections, fc.integer({ min: 1, max: 400 }), async (written, pieceBytes) => {
      const framer = sectionFramer();
      const end = { kind: SECTION_END, payload: new Uint8Array(0) };
      const parts = [
        framer.start(),
        ...[...written, end].map(({ kind, payload }) => framer.section(kind, payload)),
      ];
      const read = [];
      let offset = parts[0]!.length;
      for await (const section of readSections(inPieces(Buffer.concat(parts), pieceBytes))) {
        expect(section.offset).toBe(offset);
        offset += section.fileBytes;
        read.push({ kind: section.kind, payload: section.payload });
      }
      expect(read).toEqual([...written, end]);
      expect(offset).toBe(Buffer.concat(parts).length);
    }),
  );
});

test('payloads are the receiver’s: the next piece may come in the same memory', async () => {
  const framer = sectionFramer();
  const file = Buffer.concat([
    framer.start(),
    framer.section(1, Buffer.from('first')),
    framer.section(2, Buffer.from('second')),
    framer.section(SECTION_END, Buffer.alloc(0)),
  ]);
  async function* reused(): AsyncGenerator<Uint8Array> {
    const memory = new Uint8Array(3);
    for (let at = 0; at < file.length; at += 3) {
      memory.set(file.subarray(at, at + 3));
      yield memory.subarray(0, Math.min(3, file.length - at));
    }
  }
  const texts: Uint8Array[] = [];
  for await (const { payload } of readSections(reused())) texts.push(payload);
  expect(texts.map((text) => Buffer.from(text).toString())).toEqual(['first', 'second', '']);
});

test('each check covers all that came before', () => {
  const [one, two] = [sectionFramer(), sectionFramer()];
  one.start();
  two.start();
  one.section(1, Buffer.from('a'));
  two.section(1, Buffer.from('b'));
  const [after, other] = [one.section(2, Buffer.from('same')), two.section(2, Buffer.from('same'))];
  expect(after.subarray(0, -CHECK_BYTES)).toEqual(other.subarray(0, -CHECK_BYTES));
  expect(after.subarray(-CHECK_BYTES)).not.toEqual(other.subarray(-CHECK_BYTES));
});

test('the payload of a stream section comes back', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(100), fc.uint8Array(), (layer, stream, coded) => {
      const payload = encodeStreamPayload(layer, stream, coded);
      const parsed = parseStreamPayload({ kind: SECTION_STREAM, payload, offset: 0, fileBytes: 0 });
      expect({ ...parsed, coded: Buffer.from(parsed.coded) }).toEqual({
        layer,
        stream,
        coded: Buffer.from(coded),
      });
    }),
  );
});
