/** `didiff push PATCH REPO`. */
import type { PushResult } from '../index.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { withResources } from './resources.ts';

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
          const base =
            given.base === undefined ? undefined : await readBase(library, given.base, { ...store, host });
          const repository = keep(library.openRepository(name, registry));
          const nowMs = Number(process.env['SOURCE_DATE_EPOCH'] ?? Date.now() / 1000) * 1000;
          const result = await library.pushPatch(path, repository, {
            ...store,
            nowMs,
            ...(base === undefined ? {} : { base }),
          });
          if (!result.isTargetThere)
            output.note(
              `The image that the patch leads to, ${result.target}, is not in ${repository.name} yet.`,
            );
          output.result({ patch: path, repository: repository.name, ...result }, () =>
            describe(result, repository.name),
          );
        });
      });
  },
};

type Library = typeof import('../index.ts');

async function readBase(library: Library, name: string, options: Parameters<Library['openImage']>[1]) {
  const image = await library.openImage(name, options);
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

function describe(result: PushResult, repository: string): string {
  const { artifact, target, patchBytes, parts, sentBytes, wasThere } = result;
  if (wasThere) return `${artifact} was already in ${repository}`;
  const sent = sentBytes === patchBytes ? '' : `, of which ${formatBytes(sentBytes)} were sent`;
  return [
    `${artifact} is in ${repository}: ${formatBytes(patchBytes)} in ${parts} ${parts === 1 ? 'part' : 'parts'}${sent}`,
    `  leads to ${target}`,
  ].join('\n');
}
