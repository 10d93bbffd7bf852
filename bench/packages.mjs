/**
 * Fetches published software of one exact version, by the ordinary clients, and lays it out as an image would have it.
 * apt gets lists and a cache of its own, so that it asks for packages of any architecture and leaves the machine's be.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SOURCES = ['debian bookworm', 'debian-security bookworm-security'];

/**
 * Unpacks Debian packages into `root`, with what dpkg keeps of each below `var/lib/dpkg/info`.
 * @param directory where lists and packages are kept between calls
 * @throws Error when one can't be had in this version
 */
export function layOutDebian({ names, version, architecture }, root, directory) {
  for (const name of names) {
    const file = fetchDebian({ name, version, architecture }, resolve(directory));
    run('dpkg-deb', ['-x', file, root]);
    const control = join(root, 'control');
    run('dpkg-deb', ['-e', file, control]);
    const info = join(root, 'var/lib/dpkg/info');
    mkdirSync(info, { recursive: true });
    for (const entry of readdirSync(control))
      cpSync(join(control, entry), join(info, `${name}.${entry}`), { preserveTimestamps: true });
    rmSync(control, { recursive: true });
  }
}

function fetchDebian({ name, version, architecture }, directory) {
  const packages = join(directory, 'deb');
  mkdirSync(packages, { recursive: true });
  const wanted = `${name}_${version.replaceAll(':', '%3a')}_`;
  const find = () =>
    readdirSync(packages).find(
      (file) =>
        file.startsWith(wanted) && [`${architecture}.deb`, 'all.deb'].includes(file.slice(wanted.length)),
    );
  if (find() === undefined) {
    const options = aptOptions(directory, architecture);
    run('apt-get', ['-q', ...options, 'download', `${name}=${version}`], packages);
  }
  const file = find();
  if (file === undefined) throw new Error(`apt-get has not written ${wanted}${architecture}.deb`);
  return join(packages, file);
}

/** Lists are fetched once for each architecture. */
function aptOptions(directory, architecture) {
  const state = join(directory, `apt-${architecture}`);
  const sources = join(state, 'sources.list');
  const options = Object.entries({
    'Dir::State': state,
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': state,
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  if (existsSync(sources)) return options;
  for (const each of ['lists/partial', 'archives/partial']) mkdirSync(join(state, each), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const lines = SOURCES.map((source) => `deb [signed-by=${KEYRING}] http://deb.debian.org/${source} main\n`);
  writeFileSync(sources, lines.join(''));
  try {
    run('apt-get', ['-q', ...options, 'update']);
  } catch (error) {
    rmSync(sources);
    throw error;
  }
  return options;
}

/** Unpacks one npm package into `root`, as npm would install it, without what it depends on. */
export function layOutNpm({ name, version }, root, directory) {
  const file = join(resolve(directory), 'npm', `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  mkdirSync(join(directory, 'npm'), { recursive: true });
  if (!existsSync(file))
    run('npm', ['pack', '--silent', `${name}@${version}`], join(resolve(directory), 'npm'));
  const place = join(root, 'node_modules', name);
  mkdirSync(place, { recursive: true });
  run('tar', ['-xzf', file, '-C', place, '--strip-components=1', '--no-same-owner']);
}

/** Installs what a package.json of these `dependencies` gave on the day `before`, without running scripts. */
export function layOutNpmTree({ dependencies, before }, root) {
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({ name: 'app', version: '1.0.0', dependencies }, null, 2),
  );
  const options = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--silent',
    '--omit=dev',
    `--before=${before}`,
  ];
  run('npm', ['install', ...options], root);
  run('find', [root, '-exec', 'touch', '-h', '-d', `${before}T00:00:00Z`, '{}', '+']);
}

function run(program, args, directory) {
  try {
    return execFileSync(program, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const said = String(error.stderr ?? error.message)
      .trim()
      .split('\n')
      .pop();
    throw new Error(`${program} ${args.at(-1)}: ${said}`, { cause: error });
  }
}
