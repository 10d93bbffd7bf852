/** `didiff pull IMAGE`. */
import { homedir } from 'node:os';
import type { DescribedWay, Holding, PullPlan, PullResult } from '../index.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { preferMemory } from './memory.ts';
import { withResources } from './resources.ts';
import type { Line, Span } from './styled.ts';
import { sentenceLines, tableLines } from './table.ts';

const EXAMPLES = `
Patches that the registry has are used where they save something; what they don't lead to is fetched as layers. A pull
that was stopped goes on where it was.

Examples:
  didiff pull ghcr.io/org/app:1.1
  didiff pull ghcr.io/org/app:1.1 --dry-run
  didiff pull docker://localhost:5000/app:1.1 --base oci:images:app-1.0 --to oci:images:app-1.1`;

interface Given {
  readonly base?: readonly string[];
  readonly to?: string;
  readonly tag?: readonly string[];
  readonly cacheDir?: string;
  readonly dryRun?: boolean;
}

type Library = typeof import('../index.ts');
type HoldingOptions = Parameters<Library['nameHolding']>[1];

export const pullCommand: CommandModule = {
  register(program, context) {
    program
      .command('pull')
      .description('get an image from a registry, by patches where there are any')
      .argument('<image>', 'image in a registry: HOST/NAME:TAG')
      .option(
        '--base <image>',
        'image to start from; may be given several times (default: all of the engine)',
        collect,
      )
      .option('--to <dest>', 'where the image goes (default: the engine)')
      .option('-t, --tag <name:tag>', 'further name the image gets; may be given several times', collect)
      .option(
        '--cache-dir <directory>',
        "where an image is kept while it is on its way (default: the user's cache)",
      )
      .option('--dry-run', 'show the ways there are, and fetch nothing')
      .addHelpText('after', EXAMPLES)
      .action(async (text: string, given: Given, command) => {
        const { options, output, signal } = context.start(command);
        await preferMemory();
        const library = await import('../index.ts');
        const name = library.parseRegistryImageName(text);
        for (const tag of given.tag ?? []) library.parseTagOption(tag);
        await withResources(async (keep) => {
          const shared = keep(library.shareEngine({ host: options.host, signal }));
          const registry = { ...options.registry, onNotice: output.note };
          const platform =
            options.platform === undefined ? undefined : library.parsePlatform(options.platform);
          const { tempDirectory } = options;
          const store = { tempDirectory, shared, platform, registry, signal, onProgress: output.onProgress };
          const repository = keep(library.openRepository(name, registry));
          const destination = keep(await library.openDestination(given.to, store));
          const prepared = await library.preparePull(repository, name, {
            cacheDirectory: given.cacheDir ?? defaultCacheDirectory(process.env),
            nowMs: Date.now(),
            platform,
            signal,
          });
          const isEngine = given.to === undefined || given.to === 'docker-daemon:';
          const own = isEngine && name.digest === undefined ? [library.familiarImageName(name)] : [];
          const findHoldings = () => findBases(library, given, store, isEngine, output.note);
          const setting = { ...prepared, sink: destination.sink, findHoldings };
          const names = [...destination.names, ...own, ...(given.tag ?? [])];
          const pull = { ...store, names, note: output.note };
          const image = library.familiarImageName(name);
          if (given.dryRun) {
            const plan = await library.planPull(setting, pull);
            output.result({ image, destination: destination.sink.name, ...plan }, (width) =>
              describePlan(plan, image, destination.sink.name, width),
            );
            return;
          }
          const result = await library.pullImage(setting, pull);
          output.result({ image, destination: destination.sink.name, ...result }, (width) =>
            sentenceLines(describeResult(result, destination.sink.name), width),
          );
        });
      });
  },
};

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** As the XDG Base Directory Specification says. */
function defaultCacheDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_CACHE_HOME'];
  return `${base?.startsWith('/') ? base : `${homedir()}/.cache`}/didiff`;
}

/** Those named, else all of the engine. Who pulls into something else may have no engine: then nothing is here. */
async function findBases(
  library: Library,
  given: Given,
  store: HoldingOptions &
    Parameters<Library['listEngineHoldings']>[1] & { shared: NonNullable<HoldingOptions['shared']> },
  isEngine: boolean,
  note: (message: string) => void,
): Promise<readonly Holding[]> {
  if (given.base !== undefined)
    return await Promise.all(given.base.map((text) => library.nameHolding(text, store)));
  try {
    return await library.listEngineHoldings(store.shared, store);
  } catch (error) {
    const isAbsent = error instanceof library.DidiffError && error.code === 'UNREACHABLE';
    if (isEngine || !isAbsent) throw error;
    note(
      'There is no engine to start from, and no --base was given: all layers are fetched that are not there.',
    );
    return [];
  }
}

function describeResult(result: PullResult, destination: string): string {
  const names = result.names.length === 0 ? '' : ` (${result.names.join(', ')})`;
  if (result.wasThere) return `${result.id}${names} was already in ${destination}`;
  const count = result.patches.length;
  const how = count === 0 ? '' : `, by ${count === 1 ? 'a patch' : `${count} patches`}`;
  return `${result.id}${names} is in ${destination}; ${formatBytes(result.fetchedBytes)} were fetched${how}`;
}

/** The ways by what they move; the first is the one that would be gone. */
function describePlan(
  { wasThere, chosen, others }: PullPlan,
  image: string,
  destination: string,
  widthColumns?: number,
): readonly Line[] {
  if (wasThere) return sentenceLines(`${image} is already in ${destination}`, widthColumns);
  const row = (way: DescribedWay, mark: Span) => [mark, formatBytes(way.bytes), describeWay(way)];
  return [
    ...sentenceLines(`${image} to ${destination}`, widthColumns),
    ...tableLines(
      [{}, { align: 'right' }, { wraps: true }],
      [row(chosen, { text: '*', colour: 'green' }), ...others.map((way) => row(way, ' '))],
      widthColumns,
    ),
  ];
}

function describeWay({ steps }: DescribedWay): string {
  const layers = steps.filter((step) => step.kind === 'layer').length;
  const patches = steps.filter((step) => step.kind === 'patch');
  const words = [
    ...(layers === 0 ? [] : [layers === 1 ? '1 layer' : `${layers} layers`]),
    ...patches.map((step) => `the patch from ${step.base}`),
  ];
  return words.length === 0 ? 'all is here' : words.join(', then ');
}
