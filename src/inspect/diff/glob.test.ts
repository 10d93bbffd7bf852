import { describe, expect, test } from 'vitest';
import { chooseByGlobs } from './glob.ts';

describe('a glob', () => {
  test.each<[string, string, boolean]>([
    ['/etc', '/etc', true],
    ['/etc', '/etc/passwd', true],
    ['etc/', '/etc/passwd', true],
    ['/etc', '/etcetera', false],
    ['/etc', '/usr/etc', false],
    ['*.pyc', '/a.pyc', true],
    ['*.pyc', '/lib/a.pyc', false],
    ['**/*.pyc', '/lib/python3/a.pyc', true],
    ['**/*.pyc', '/a.pyc', true],
    ['/usr/**/doc', '/usr/share/doc/x', true],
    ['/usr/*/doc', '/usr/share/local/doc', false],
    ['/lib?', '/lib64', false],
    ['/lib??', '/lib64', true],
    ['/[a-c]', '/b', true],
    ['/[!a-c]', '/b', false],
    ['/[!a-c]', '/d', true],
    ['/a[/]b', '/a/b', false],
    ['/a.b', '/aXb', false],
    ['/a\\*', '/a*', true],
    ['/a\\*', '/ab', false],
    ['/[', '/[', true],
    ['/grüße-*', '/grüße-日本', true],
    ['/?', '/😀', true],
    ['/', '/anything/at/all', true],
    ['/[^&~|-]', '/x', true],
  ])('%s, %s: %s', (glob, path, isChosen) => expect(chooseByGlobs([glob], [])(path)).toBe(isChosen));

  test('that leaves out wins over one that chooses', () => {
    const choose = chooseByGlobs(['/usr'], ['**/*.pyc']);
    expect(['/usr/a', '/usr/a.pyc', '/etc'].filter(choose)).toEqual(['/usr/a']);
    expect(chooseByGlobs([], ['/usr'])('/etc')).toBe(true);
  });

  test.each(['', '/[z-a]'])('%j is refused', (glob) => {
    expect(() => chooseByGlobs([glob], [])).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
