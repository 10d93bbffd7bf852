import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import {
  familiarImageName,
  formatImageName,
  type ImageName,
  parseImageName,
  parseTagOption,
  sameImageName,
  withDefaultTag,
} from './image-name.ts';

const DIGEST = sha256(new Uint8Array(0));

describe('image names', () => {
  // What the docker CLI 20.10 makes of them.
  const normalised: readonly (readonly [string, string])[] = [
    ['nginx', 'docker.io/library/nginx'],
    ['nginx:1.25', 'docker.io/library/nginx:1.25'],
    ['org/app', 'docker.io/org/app'],
    ['docker.io/nginx', 'docker.io/library/nginx'],
    ['index.docker.io/nginx:a', 'docker.io/library/nginx:a'],
    ['library/nginx', 'docker.io/library/nginx'],
    ['localhost/app', 'localhost/app'],
    ['localhost:5000/app:1', 'localhost:5000/app:1'],
    ['host.example/a/b/c_d__e-f--g.h', 'host.example/a/b/c_d__e-f--g.h'],
    ['HOST/app', 'HOST/app'],
    ['[::1]:5000/app', '[::1]:5000/app'],
    [`nginx@${DIGEST}`, `docker.io/library/nginx@${DIGEST}`],
    [`nginx:1@${DIGEST}`, `docker.io/library/nginx:1@${DIGEST}`],
    ['nginx:_A.b-c', 'docker.io/library/nginx:_A.b-c'],
  ];
  it.each(normalised)('%s is %s in full', (text, full) => {
    expect(formatImageName(parseImageName(text))).toBe(full);
  });

  const broken: readonly (readonly [string, RegExp])[] = [
    ['', /empty/],
    ['Nginx', /capitals/],
    ['nginx:', /the tag ""/],
    ['nginx:-x', /the tag "-x"/],
    [`nginx:${'a'.repeat(129)}`, /the tag/],
    ['nginx@sha256:12', /64 lower-case hex/],
    ['nginx@', /64 lower-case hex/],
    ['-nginx', /"-nginx"/],
    ['a//b', /empty/],
    ['/nginx', /empty/],
    ['nginx/', /empty/],
    ['a..b', /"a\.\.b" is not lower-case/],
    ['a___b', /"a___b"/],
    ['host..example/app', /host name/],
    ['host:port/app', /host name/],
    ['host.example/', /empty/],
    ['docker.io/', /empty/],
    ['nginx latest', /"nginx latest"/],
    ['../app', /host name/],
    ['a'.repeat(64), /image ID/],
    ['a/'.repeat(200), /longer than 255/],
    ['nginx\n', /is not/],
    [`nginx@${DIGEST}@${DIGEST}`, /64 lower-case hex/],
  ];
  it.each(broken)('%j is refused with the rule it breaks', (text, rule) => {
    expect(() => parseImageName(text)).toThrow(rule);
    expect(() => parseImageName(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('has the tag latest only when it has neither tag nor digest', () => {
    expect(formatImageName(withDefaultTag(parseImageName('nginx')))).toBe('docker.io/library/nginx:latest');
    expect(withDefaultTag(parseImageName(`nginx@${DIGEST}`)).tag).toBeUndefined();
  });

  it('is shown as people write it', () => {
    expect(familiarImageName(parseImageName('docker.io/library/nginx:1'))).toBe('nginx:1');
    expect(familiarImageName(parseImageName('docker.io/org/app'))).toBe('org/app');
    expect(familiarImageName(parseImageName('ghcr.io/org/app'))).toBe('ghcr.io/org/app');
    expect(familiarImageName(parseImageName('docker.io/library/a/b'))).toBe('docker.io/library/a/b');
    expect(familiarImageName(parseImageName('docker.io/a.b/c'))).toBe('docker.io/a.b/c');
  });

  it('compares by what it names', () => {
    expect(sameImageName('nginx', 'docker.io/library/nginx:latest')).toBe(true);
    expect(sameImageName('nginx:1', 'nginx:2')).toBe(false);
    expect(sameImageName('NOT A NAME', 'NOT A NAME')).toBe(true);
  });

  it('takes -t with a default tag, but no digest', () => {
    expect(formatImageName(parseTagOption('app'))).toBe('docker.io/library/app:latest');
    expect(() => parseTagOption(`app@${DIGEST}`)).toThrow(/a digest is not/);
  });

  const part = fc.stringMatching(/^[a-z0-9]{1,6}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
  const names = fc.record(
    {
      registry: fc.constantFrom('docker.io', 'localhost', 'localhost:5000', 'r.example', '[::1]:1', 'HOST'),
      path: fc.array(part, { minLength: 1, maxLength: 3 }),
      tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
      digest: fc.uint8Array().map(sha256),
    },
    { requiredKeys: ['registry', 'path'] },
  );

  it('parses to what was formatted, in full and in short', () => {
    fc.assert(
      fc.property(names, ({ path, ...rest }) => {
        const isShort = rest.registry === 'docker.io' && path.length === 1;
        const name: ImageName = { ...rest, repository: (isShort ? ['library', ...path] : path).join('/') };
        const full = formatImageName(name);
        fc.pre(!/^[0-9a-f]{64}$/.test(path.join('/')));
        expect(parseImageName(full)).toEqual(name);
        expect(parseImageName(familiarImageName(name))).toEqual(name);
      }),
    );
  });

  it('answers every text with a name that is stable, or with USAGE', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-zA-Z0-9.:/@_-]*$/)),
        (text) => {
          try {
            const name = parseImageName(text);
            expect(parseImageName(formatImageName(name))).toEqual(name);
            expect(parseImageName(familiarImageName(name))).toEqual(name);
          } catch (error) {
            if (!(error instanceof DidiffError)) throw error;
            expect(error.code).toBe('USAGE');
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
