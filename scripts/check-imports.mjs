/**
 * Holds the source to the layers of docs/architecture.md: a folder imports only what its row allows, no file cycle,
 * and disk, sockets and processes only where the table says so. Prints each break in words; exit code 1 if any.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';

/** Layer → layers it may import. `errors` is open to all. The same table stands in docs/architecture.md. */
const LAYERS = {
  errors: [],
  bytes: [],
  image: ['bytes'],
  tar: ['bytes'],
  kernels: ['bytes'],
  deflate: ['kernels', 'bytes'],
  nested: ['deflate', 'bytes'],
  codec: ['kernels', 'bytes'],
  predict: ['kernels', 'bytes'],
  patch: ['codec', 'image', 'bytes'],
  stores: ['image', 'tar', 'deflate', 'bytes'],
  rebuild: ['patch', 'predict', 'codec', 'nested', 'deflate', 'kernels', 'image', 'bytes'],
  create: ['rebuild', 'patch', 'codec', 'predict', 'nested', 'deflate', 'tar', 'kernels', 'image', 'bytes'],
  apply: ['rebuild', 'patch', 'predict', 'deflate', 'kernels', 'image', 'bytes'],
  inspect: ['apply', 'rebuild', 'patch', 'codec', 'predict', 'nested', 'tar', 'kernels', 'image', 'bytes'],
  estimate: ['create', 'patch', 'codec', 'predict', 'nested', 'deflate', 'tar', 'kernels', 'image', 'bytes'],
  report: ['estimate', 'inspect', 'bytes'],
  fleet: ['create', 'apply', 'inspect', 'stores', 'patch', 'image', 'bytes'],
  index: ['*'],
  cli: ['index'],
};

/** Node modules that reach outside the process, and who may use them. */
const OUTSIDE = /^node:(fs|net|tls|http|https|child_process|dgram|os)(\/|$)/;
const MAY_REACH_OUTSIDE = (file) => /^(stores|cli)\//.test(file) || file === 'bytes/file.ts';

const root = 'src';
const files = readdirSync(root, { recursive: true })
  .map((name) => name.split(sep).join('/'))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
const problems = [];
const graph = new Map();

for (const file of files) {
  const layer = layerOf(file);
  if (!(layer in LAYERS)) problems.push(`${file}: folder ${layer} is not in the table of layers`);
  const imports = [];
  for (const wanted of importsOf(readFileSync(join(root, file), 'utf8'))) {
    if (OUTSIDE.test(wanted) && !MAY_REACH_OUTSIDE(file))
      problems.push(`${file}: ${wanted} belongs in stores, cli or bytes/file.ts`);
    if (!wanted.startsWith('.')) continue;
    const to = relative(root, normalize(join(root, dirname(file), wanted)))
      .split(sep)
      .join('/');
    if (!files.includes(to)) problems.push(`${file}: imports ${wanted}, which does not exist`);
    imports.push(to);
    const target = layerOf(to);
    const allowed = LAYERS[layer] ?? [];
    if (target !== layer && target !== 'errors' && !allowed.includes('*') && !allowed.includes(target)) {
      problems.push(`${file}: ${layer} must not import ${target} (${to})`);
    }
  }
  graph.set(file, imports);
}
for (const cycle of findCycles(graph)) problems.push(`import cycle: ${cycle.join(' → ')}`);

for (const problem of problems) console.error(problem);
console.error(`imports: ${files.length} files, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

function layerOf(file) {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '');
}

function importsOf(text) {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3]);
}

function findCycles(edges) {
  const state = new Map();
  const cycles = [];
  const visit = (node, path) => {
    state.set(node, 'open');
    for (const next of edges.get(node) ?? []) {
      if (state.get(next) === 'open') cycles.push([...path.slice(path.indexOf(next)), next]);
      else if (!state.has(next)) visit(next, [...path, next]);
    }
    state.set(node, 'done');
  };
  for (const node of edges.keys()) if (!state.has(node)) visit(node, [node]);
  return cycles;
}
