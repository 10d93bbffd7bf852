/** `didiff push PATCH REPO`. */
import type { Platform, PushOptions, PushResult } from '../index.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { withResources } from './resources.ts';
import type { Line } from './styled.ts';
import { sentenceLines } from './table.ts';

const EXAMPLES = `
The patch is put beside the image that it leads to, where 'didiff list' finds it.

Examples:
  didiff push app.didiff ghcr.io/org/app
  didiff push app.didiff docker://localhost:5000/app --base docker://localhost:5000/app:1.0`;

export const pushCommand: CommandModule = {
  register(program, context) {
    program
      .command('push')
      .description('put a patch into a registry, beside its target')
      .argument('<patch>', 'patch file')
      .argument('<repository>', 'where the image it leads to is: HOST/NAME')
      .option('--base <image>', 'the image it was made from, to be named in the registry')
      .addHelpText('after', EXAMPLES)
      .action(async (path: string, repositoryName: string, given: { base?: string }, command) => {
        const { options, output, signal } = context.start(command);
        const library = await import('../index.ts');
        const name = library.parseRepositoryName(repositoryName);
        const registry = { ...options.registry, onNotice: output.note };
        const { tempDirectory, host } = options;
        const platform = options.platform === undefined ? undefined : library.parsePlatform(options.platform);
        await withResources(async (keep) => {
          const store = { tempDirectory, platform, registry, signal, onProgress: output.onProgress };
          const repository = keep(library.openRepository(name, registry));
          const nowMs = Number(process.env['SOURCE_DATE_EPOCH'] ?? Date.now() / 1000) * 1000;
          const findBase = (wanted?: Platform) =>
            readBase(library, given.base, { ...store, host, platform: platform ?? wanted });
          const results = (await isBundle(library, path))
            ? await library.pushBundle(path, repository, { ...store, nowMs, findBase })
            : [await library.pushPatch(path, repository, { ...store, nowMs, base: await findBase() })];
          for (const { isTargetThere, target } of results)
            if (!isTargetThere)
              output.note(`The image that the patch leads to, ${target}, is not in ${repository.name} yet.`);
          const place = { patch: path, repository: repository.name };
          const isOne = results.length === 1 && !('platform' in results[0]!);
          output.result(isOne ? { ...place, ...results[0] } : { ...place, platforms: results }, (width) =>
            results.flatMap((result) => describe(result, repository.name, width)),
          );
        });
      });
  },
};

type Library = typeof import('../index.ts');

async function isBundle(library: Library, path: string): Promise<boolean> {
  // Standard input can't be looked at twice, and is refused by both ways to push.
  if (path === '-') return false;
  const opened = await library.openPatchOrBundle(path);
  await (opened.kind === 'bundle' ? opened.bundle : opened.reader).close();
  return opened.kind === 'bundle';
}

/** A base may be of some platforms only. */
async function readBase(
  library: Library,
  name: string | undefined,
  options: Parameters<Library['openImage']>[1],
): Promise<PushOptions['base']> {
  if (name === undefined) return undefined;
  const image = await library.openImage(name, options).catch((error: unknown) => {
    const isOther = error instanceof library.DidiffError && error.data['platforms'] !== undefined;
    if (isOther && options.platform !== undefined) return undefined;
    throw error;
  });
  if (image === undefined) return undefined;
  try {
    const { manifest } = await image.readMetadata(options);
    if (manifest !== undefined) return { name, manifest: manifest.digest, diffIds: image.diffIds };
    throw new library.DidiffError('UNSUPPORTED', `${name} has no manifest to be named by`, {
      hint: 'Name it where it has one, in a registry for example, or leave --base out.',
    });
  } finally {
    await image.close();
  }
}

function describe(result: PushResult, repository: string, widthColumns?: number): readonly Line[] {
  const { artifact, target, patchBytes, parts, sentBytes, wasThere } = result;
  if (wasThere) return sentenceLines(`${artifact} was already in ${repository}`, widthColumns);
  const sent = sentBytes === patchBytes ? '' : `, of which ${formatBytes(sentBytes)} were sent`;
  const size = `${formatBytes(patchBytes)} in ${parts} ${parts === 1 ? 'part' : 'parts'}${sent}`;
  return [
    ...sentenceLines(`${artifact} is in ${repository}: ${size}`, widthColumns),
    ...sentenceLines(`leads to ${target}`, widthColumns, 2),
  ];
}
