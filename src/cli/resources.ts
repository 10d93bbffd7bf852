/** Closes what a command opened, the last first, however the command ends. */

interface Closable {
  close(): void | Promise<void>;
}

/** Runs `work`; whatever it hands to `keep` is closed afterwards. */
export async function withResources<T>(
  work: (keep: <R extends Closable>(resource: R) => R) => Promise<T>,
): Promise<T> {
  const kept: Closable[] = [];
  try {
    return await work((resource) => {
      kept.push(resource);
      return resource;
    });
  } finally {
    for (const resource of kept.reverse()) await resource.close();
  }
}
