import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { formatReference, type ImageReference, isImageId, parseReference } from './reference.ts';

describe('image references', () => {
  const id = sha256(new Uint8Array(1));
  const engine = (text: string): ImageReference => ({ transport: 'engine', text, explicit: false });
  const cases: readonly (readonly [string, ImageReference])[] = [
    ['nginx:1.25', engine('nginx:1.25')],
    ['27a188018e18', engine('27a188018e18')],
    [id, engine(id)],
    ['localhost:5000/a/b:1', engine('localhost:5000/a/b:1')],
    ['docker-daemon:nginx:1', { transport: 'engine', text: 'nginx:1', explicit: true }],
    ['docker-archive:file.tar', { transport: 'docker-archive', path: 'file.tar' }],
    [
      'docker-archive:file.tar:nginx:1.25',
      { transport: 'docker-archive', path: 'file.tar', ref: 'nginx:1.25' },
    ],
    ['docker-archive:/a/b.tar:@1', { transport: 'docker-archive', path: '/a/b.tar', ref: '@1' }],
    [
      'docker-archive:C:\\images\\a.tar:nginx:1',
      { transport: 'docker-archive', path: 'C:\\images\\a.tar', ref: 'nginx:1' },
    ],
    ['oci-archive:C:/a.tar', { transport: 'oci-archive', path: 'C:/a.tar' }],
    ['oci:dir:a', { transport: 'oci', path: 'dir', ref: 'a' }],
    ['oci:c:a', { transport: 'oci', path: 'c', ref: 'a' }],
    [`oci:dir:${id}`, { transport: 'oci', path: 'dir', ref: id }],
    ['./a.tar', { transport: 'path', text: './a.tar' }],
    ['../a:b', { transport: 'path', text: '../a:b' }],
    ['/a/b', { transport: 'path', text: '/a/b' }],
    ['.', { transport: 'path', text: '.' }],
    ['D:\\a.tar', { transport: 'path', text: 'D:\\a.tar' }],
    [
      'docker://ghcr.io/a/b',
      { transport: 'registry', name: { registry: 'ghcr.io', repository: 'a/b', tag: 'latest' } },
    ],
    [
      `docker://nginx@${id}`,
      { transport: 'registry', name: { registry: 'docker.io', repository: 'library/nginx', digest: id } },
    ],
    ['dir:1.0', engine('dir:1.0')],
    ['constructor:x/y', engine('constructor:x/y')],
  ];
  it.each(cases)('%s is understood, and written the same', (text, reference) => {
    expect(parseReference(text)).toEqual(reference);
    expect(parseReference(formatReference(reference))).toEqual(reference);
  });

  const broken: readonly (readonly [string, string, RegExp])[] = [
    ['', 'USAGE', /empty/],
    ['  ', 'USAGE', /empty/],
    ['a\0b', 'USAGE', /NUL/],
    ['oci:', 'USAGE', /names no path/],
    ['oci::a', 'USAGE', /names no path/],
    ['oci:dir:', 'USAGE', /nothing behind it/],
    ['docker-daemon:', 'USAGE', /names no image/],
    ['docker://', 'USAGE', /not an image name/],
    ['docker://A/b/C', 'USAGE', /capitals/],
    ['dir:/tmp/x', 'UNSUPPORTED', /transport dir:/],
    ['containers-storage:[vfs@/x]a:b', 'UNSUPPORTED', /containers-storage/],
  ];
  it.each(broken)('%j is refused', (text, code, rule) => {
    expect(() => parseReference(text)).toThrow(rule);
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code }));
  });

  it('tells IDs from names', () => {
    expect(isImageId(id)).toBe(true);
    expect(isImageId('sha256:12ab')).toBe(true);
    expect(isImageId('12ab')).toBe(false);
    expect(isImageId('sha256:xyz')).toBe(false);
  });

  it('answers every text with a reference that is stable, or with an error of its own', () => {
    const start = fc.constantFrom(
      '',
      'oci:',
      'oci-archive:',
      'docker-archive:',
      'docker://',
      'docker-daemon:',
    );
    const rest = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-zA-Z0-9.:/\\@_~-]*$/));
    fc.assert(
      fc.property(start, rest, (transport, text) => {
        try {
          const reference = parseReference(`${transport}${text}`);
          expect(parseReference(formatReference(reference))).toEqual(reference);
        } catch (error) {
          if (!(error instanceof DidiffError)) throw error;
          expect(['USAGE', 'UNSUPPORTED']).toContain(error.code);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
