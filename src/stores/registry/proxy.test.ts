import { describe, expect, it } from 'vitest';
import { isLoopback } from './address.ts';
import { proxyFor } from './proxy.ts';

describe('the proxy for a registry', () => {
  const address = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.address;

  it('is that of its scheme, in capitals or not, with or without a scheme of its own', () => {
    const env = { HTTPS_PROXY: 'proxy.test:3128', http_proxy: 'https://plain.test' };
    expect(address('https://r.test/', env)).toBe('http://proxy.test:3128');
    expect(address('http://r.test/', env)).toBe('https://plain.test');
    expect(address('https://r.test/', {})).toBeUndefined();
  });

  it('has its log-in kept apart from its address', () => {
    const proxy = proxyFor(new URL('https://r.test'), { HTTPS_PROXY: 'http://me:p%40ss@proxy.test' });
    expect(proxy).toMatchObject({ address: 'http://proxy.test', hostname: 'proxy.test', port: 80 });
    expect(proxy?.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    expect(proxy?.secrets).toContain('p@ss');
  });

  it.each([
    ['r.test', 'r.test', true],
    ['a.r.test', 'r.test', true],
    ['ar.test', 'r.test', false],
    ['r.test', '.r.test', false],
    ['a.r.test', 'x, .r.test', true],
    ['a.r.test', '*.r.test', true],
    ['r.test:5000', 'r.test:5000', true],
    ['r.test', 'r.test:5000', false],
    ['r.test', 'r.test:443', true],
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['11.1.2.3', '10.0.0.0/99, a/b/c, //', false],
    ['[fd00::1]', 'fd00::/8', true],
    ['[fd00::1]', '[fd00::1]', true],
    ['r.test', '*', true],
    ['localhost:5000', '', true],
    ['127.9.9.9', '', true],
  ])('for %s, with NO_PROXY=%s, is left out: %s', (host, NO_PROXY, isLeftOut) => {
    const found = address(`https://${host}/`, { HTTPS_PROXY: 'p:1', NO_PROXY });
    expect(found === undefined).toBe(isLeftOut);
  });

  it.each(['socks5://me:secret@p:1', 'http://', 'http://me:secret@:1'])(
    '%s is refused, unseen',
    (HTTPS_PROXY) => {
      const error = (() => {
        try {
          return proxyFor(new URL('https://r.test'), { HTTPS_PROXY });
        } catch (thrown) {
          return thrown as Error;
        }
      })();
      expect(error).toMatchObject({ code: 'USAGE' });
      expect(String(error)).not.toContain('secret');
    },
  );
});

describe('this machine', () => {
  it.each([
    ['localhost', true],
    ['a.localhost', true],
    ['127.0.0.1', true],
    ['[::1]', true],
    ['[::ffff:127.0.0.1]', true],
    ['128.0.0.1', false],
    ['localhost.test', false],
    ['127.0.0.1.test', false],
  ])('%s: %s', (hostname, isIt) => {
    expect(isLoopback(hostname)).toBe(isIt);
  });
});
