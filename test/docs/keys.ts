/** The shape of a JSON value: its keys with the types behind them, for documents that show one. */

/** `a.b[].c: number` for each key, sorted; keys of `open` objects are left out, as they differ. */
export function keysOf(value: unknown, open: readonly string[] = [], path = ''): readonly string[] {
  if (Array.isArray(value)) return unique(value.flatMap((item) => keysOf(item, open, `${path}[]`)));
  if (typeof value !== 'object' || value === null)
    return [`${path}: ${value === null ? 'null' : typeof value}`];
  if (open.includes(path)) return [`${path}: object`];
  return unique(
    Object.entries(value).flatMap(([key, inner]) =>
      keysOf(inner, open, path === '' ? key : `${path}.${key}`),
    ),
  );
}

function unique(keys: readonly string[]): readonly string[] {
  return [...new Set(keys)].sort();
}
