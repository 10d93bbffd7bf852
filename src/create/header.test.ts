import { expect, test } from 'vitest';
import { portableName } from './header.ts';

test("a patch names images without the directories of their maker's machine", () => {
  expect(portableName('oci:/home/me/images:library/app:1.0')).toBe('oci:images:library/app:1.0');
  expect(portableName('docker-archive:../builds/app.tar')).toBe('docker-archive:app.tar');
  expect(portableName('docker-archive:app.tar:app:1.0')).toBe('docker-archive:app.tar:app:1.0');
  expect(portableName('example.com/team/app:1.0')).toBe('example.com/team/app:1.0');
});
