/** `didiff check PATCH`. */
import type { CheckResult } from '../index.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { preferMemory } from './memory.ts';
import { openArguments, readWords } from './patch-arguments.ts';
import { withResources } from './resources.ts';

const EXAMPLES = `
Reads the whole patch and the base, rebuilds every layer without keeping it, and writes nothing.

Examples:
  didiff check app.didiff
  didiff check app.didiff --base docker-archive:old.tar --to oci:images`;

export const checkCommand: CommandModule = {
  register(program, context) {
    program
      .command('check')
      .description('tell whether a patch would apply; writes nothing')
      .argument('<patch>', 'patch file, or - for standard input')
      .option('--base <image>', 'image to start from (default: found in the engine)')
      .option('--to <dest>', 'where the new image would go (default: not looked at)')
      .addHelpText('after', EXAMPLES)
      .action(async (path: string, given: { base?: string; to?: string }, command) => {
        const { options, output, signal } = context.start(command);
        await preferMemory();
        const library = await import('../index.ts');
        const words = readWords([path], given.base, library);
        await withResources(async (keep) => {
          const shared = keep(library.shareEngine({ host: options.host, signal }));
          const store = {
            tempDirectory: options.tempDirectory,
            shared,
            platform: options.platform === undefined ? undefined : library.parsePlatform(options.platform),
            registry: { ...options.registry, onNotice: output.note },
            signal,
            onProgress: output.onProgress,
          };
          const { reader, openBase } = keep(await openArguments(library, words, store));
          const destination =
            given.to === undefined ? undefined : keep(await library.openDestination(given.to, store));
          const base = keep(await openBase());
          const result = await library.checkPatch(reader, base, destination?.sink, store);
          output.result({ base: base.name, ...result }, () => describe(result, path, base.name));
        });
      });
  },
};

function describe({ needs, provedLayers, wasThere }: CheckResult, path: string, base: string): string {
  const { memoryBytes, scratchBytes, outputBytes } = needs;
  return [
    `${path} applies to ${base}: ${provedLayers} ${provedLayers === 1 ? 'layer comes' : 'layers come'} out right`,
    `  takes up to ${formatBytes(memoryBytes)} of memory, ${formatBytes(scratchBytes)} of scratch space, ` +
      `${formatBytes(outputBytes)} for the image`,
    ...(wasThere ? ['  the image is there already'] : []),
  ].join('\n');
}
