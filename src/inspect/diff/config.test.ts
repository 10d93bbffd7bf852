import { describe, expect, test } from 'vitest';
import { rawDocument } from '../../image/manifest.ts';
import { compareConfigs } from './config.ts';

const BASE = {
  architecture: 'amd64',
  created: '2024-01-01T00:00:00Z',
  config: { Env: ['PATH=/bin', 'A=1'], Cmd: ['/run'], Labels: { version: '1.0' } },
  rootfs: { diff_ids: ['a'] },
  history: [
    { created: '2024-01-01T00:00:00Z', created_by: 'ADD rootfs' },
    { created: '2024-01-01T00:00:01Z', created_by: 'RUN make' },
    { created: '2024-01-01T00:00:02Z', created_by: 'CMD', empty_layer: true },
  ],
};

const document = (value: unknown) => rawDocument(Buffer.from(JSON.stringify(value)), 'x');
const compare = (change: object, semantic = false) =>
  compareConfigs(document(BASE), document({ ...BASE, ...change }), semantic);

describe('configs', () => {
  test('differ in nothing where they say the same in another order, or say nothing in another way', () => {
    const { history, config, ...rest } = BASE;
    const { config: found } = compare({ ...rest, config: { User: '', Volumes: null, ...config }, history });
    expect(found).toEqual([]);
  });

  test('are told apart by the names that people use', () => {
    const change = {
      config: { ...BASE.config, Env: ['A=2', 'PATH=/bin', 'B='], Entrypoint: ['/e'], Labels: { 'a b': 'c' } },
      somethingNew: { deep: [1] },
    };
    expect(compare(change).config).toEqual([
      { name: 'entrypoint', target: ['/e'] },
      { name: 'env A', base: '1', target: '2' },
      { name: 'label a b', target: 'c' },
      { name: 'label version', base: '1.0' },
      { name: 'somethingNew', target: { deep: [1] } },
      { name: 'order of env', base: ['PATH', 'A'], target: ['A', 'PATH'] },
    ]);
    expect(compare(change, true).config.map(({ name }) => name)).not.toContain('order of env');
  });

  test('differ in times, unless only their meaning counts', () => {
    const later = BASE.history.map((step) => ({ ...step, created: '2025-01-01T00:00:00Z' }));
    const change = { created: '2025-01-01T00:00:00Z', history: later };
    expect(compare(change).config).toHaveLength(1);
    expect(compare(change).history).toMatchObject({ same: 0, removed: { length: 3 }, added: { length: 3 } });
    expect(compare(change, true)).toEqual({ config: [], history: { same: 3, removed: [], added: [] } });
  });

  test('have histories that were replaced in their middle', () => {
    const [first, second, last] = BASE.history;
    const { history } = compare({ history: [first, { created_by: 'RUN other' }, { ...second }, last] });
    expect(history).toEqual({ same: 3, removed: [], added: [{ createdBy: 'RUN other', emptyLayer: false }] });
  });

  test.each([['[]'], ['{'], ['null']])('%s is refused', (text) => {
    const broken = rawDocument(Buffer.from(text), 'x');
    expect(() => compareConfigs(document(BASE), broken, false)).toThrow(
      expect.objectContaining({ code: 'CORRUPT_INPUT' }),
    );
  });

  test.each([
    { config: { Env: [1, null], Labels: ['x'] }, history: 'none' },
    { config: 7, history: [null, 3, {}] },
    { config: { Labels: { ['__proto__']: 'x' } } },
  ])('of odd shapes are compared all the same: %j', (odd) => {
    expect(() => compare(odd)).not.toThrow();
  });
});
