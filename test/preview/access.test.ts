import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { AccessGuard } from '../../src/preview/access.ts';

it('answers so many requests at once, and more as time goes by', () => {
  let now = 0;
  const guard = new AccessGuard('127.0.0.1', 80, () => now);
  const request = new IncomingMessage(new Socket());
  request.method = 'GET';
  request.headers.host = '127.0.0.1:80';
  const ask = (): number => guard.check(request, new URL('http://127.0.0.1/'))?.status ?? 200;
  const answers = Array.from({ length: 1000 }, ask);
  expect(answers[0]).toBe(200);
  expect(answers.at(-1)).toBe(429);
  now = 1;
  expect(ask()).toBe(200);
});
