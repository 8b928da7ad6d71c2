import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  makeClip,
  makeFolder,
  runUpreel,
  spawnUpreel,
  useEmbedded,
  type Outcome,
} from '../../cli/command-line.ts';
import { OPTIONS, waitFor } from './cluster-fixture.ts';
import { hasRedis, makeCertificate, makeRedis, type RedisServer } from './redis-fixture.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) console.warn('Skipped: tests of TLS need openssl (apt-get install openssl).');
const PASSWORD = 'geheim/mit@zeichen';

let folder = '';
let redis: RedisServer;
let trusting: NodeJS.ProcessEnv;
const secrets = [PASSWORD, encodeURIComponent(PASSWORD)];

/** Runs a command with the queue in its environment, and looks for the password in all that it says. */
async function run(args: readonly string[], url: string, env = trusting): Promise<Outcome> {
  const outcome = await runUpreel(args, undefined, { ...env, UPREEL_QUEUE: url });
  for (const secret of secrets) expect(outcome.stdout + outcome.stderr).not.toContain(secret);
  return outcome;
}

describe.skipIf(!hasRedis || !hasOpenssl)('a queue with TLS and a password', () => {
  beforeAll(async () => {
    await useEmbedded();
    folder = await makeFolder();
    const certificate = await makeCertificate(path.join(folder, 'tls'));
    redis = await makeRedis(path.join(folder, 'redis'), { password: PASSWORD, certificate });
    await redis.start();
    trusting = { ...process.env, NODE_EXTRA_CA_CERTS: certificate.cert };
    await makeClip(path.join(folder, 'clip.mp4'), 25);
  });
  afterAll(() => redis.stop());

  it('carries a job from its submission to its file', async () => {
    const clip = path.join(folder, 'clip.mp4');
    const submit = ['submit', clip, '--store', folder, ...OPTIONS, '--verbose'];
    expect((await run(submit, redis.url)).code).toBe(0);
    const env = { ...trusting, UPREEL_QUEUE: redis.url };
    const worker = spawnUpreel(['worker', '--store', folder, '--lanes', '1', '--verbose'], env);
    let said = '';
    worker.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await waitFor(() => /clip\.upreel\.mkv is done/.test(said));
    const ended = new Promise<number | null>((resolve) => worker.once('exit', resolve));
    worker.kill('SIGTERM');
    expect(await ended).toBe(0);
    for (const secret of secrets) expect(said).not.toContain(secret);
    const listed = await run(['jobs', 'list', '--queue', redis.url], redis.url);
    expect(listed.stdout).toMatch(/done .*clip\.upreel\.mkv/);
  }, 240_000);

  it.each([
    ['another password', (url: string) => url.replace(/:[^:@]*@/, ':falsch@'), /WRONGPASS|password/],
    ['no password', (url: string) => url.replace(/:[^:@]*@/, ''), /NOAUTH|password/],
    ['no TLS', (url: string) => url.replace('rediss:', 'redis:'), /TLS/],
  ])('says what is wrong with %s, and not the password', async (_what, change, told) => {
    const { code, stderr } = await run(
      ['jobs', 'list', '--verbose', '--queue', change(redis.url)],
      redis.url,
    );
    expect(code).toBe(10);
    expect(stderr).toMatch(told);
    expect(stderr).not.toContain('falsch');
  });

  it('does not trust a certificate that nobody vouches for', async () => {
    const { code, stderr } = await run(['jobs', 'list', '--queue', redis.url], redis.url, process.env);
    expect(code, stderr).toBe(10);
    expect(stderr).toMatch(/certificate/);
  });
});
