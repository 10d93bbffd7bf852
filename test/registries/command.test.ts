/** The command line with a real registry, from the making of a patch to the image that it leads to. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256 } from '../../src/bytes/digest.ts';
import { type Installed, install } from '../docs/installed.ts';
import { buildImage } from '../fixtures/images.ts';
import { pushImage, tagsOf } from './push.ts';
import { type RunningRegistry, startRegistry } from './server.ts';
import { describeRegistry } from './suite.ts';

describeRegistry('didiff with a registry', () => {
  const base = buildImage({ seed: 1, layers: [{ seed: 1 }, { seed: 2 }] });
  const target = buildImage({ seed: 2, layers: [{ seed: 1 }, { seed: 2, variant: 1 }] });
  let server: RunningRegistry;
  let installed: Installed;

  beforeAll(async () => {
    installed = install();
    server = await startRegistry();
    const place = { root: `http://${server.host}`, repository: 'team/app' };
    await pushImage(place, '1', base);
    await pushImage(place, '2', target);
  });
  afterAll(async () => {
    await server.stop();
    installed.remove();
  });

  it('makes a patch of two tags, pushes it, lists it, and applies it from one repository to another', async () => {
    const app = `${server.host}/team/app`;
    installed.run(`didiff create docker://${app}:1 docker://${app}:2 app.didiff`);
    const pushed = JSON.parse(installed.run(`didiff push app.didiff ${app} --base docker://${app}:1 --json`));
    expect(pushed).toMatchObject({
      patch: 'app.didiff',
      repository: app,
      target: target.manifest.digest,
      parts: 1,
      wasThere: false,
      isTargetThere: true,
    });
    expect(installed.run(`didiff push app.didiff docker://${app} --base docker://${app}:1`)).toContain(
      `${pushed.artifact} was already in ${app}`,
    );
    const listed = JSON.parse(installed.run(`didiff list ${app}:2 --json`));
    expect(listed).toMatchObject({ image: `${app}:2`, target: target.manifest.digest });
    expect(listed.patches).toMatchObject([
      { digest: pushed.artifact, description: { base: { manifest: base.manifest.digest } } },
    ]);
    expect(installed.run(`didiff list docker://${app}:1`)).toMatch(/; 0 patches lead to it/);
    const other = `docker://${server.host}/copies/app:2`;
    installed.run(`didiff apply app.didiff --base docker://${app}:1 --to ${other}`);
    const tags = await tagsOf({ root: `http://${server.host}`, repository: 'copies/app' });
    expect(tags).toEqual({ '2': target.manifest.digest });
    expect(sha256(target.manifest.bytes)).toBe(tags['2']);
  });

  it('says what is wrong with names, and with images that are not there', () => {
    expect(installed.run(`didiff push app.didiff ${server.host}/team/app:2; echo $?`)).toMatch(
      /names an image; expected a repository, without tag or digest[\s\S]*\n2\n$/,
    );
    expect(installed.run(`didiff list ${server.host}/team/app:9; echo $?`)).toMatch(
      /there is no image [\s\S]*app:9 in the registry[\s\S]*\n4\n$/,
    );
  });
});
