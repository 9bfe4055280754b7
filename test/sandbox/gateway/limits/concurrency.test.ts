import { expect, test } from "vitest";
import { openKit } from "../kit.ts";
import { held, seen } from "./service.ts";

const limited =
  '<limit-concurrency key="@(context.Request.Headers.GetValueOrDefault("team", "none"))" max-count="2"><forward-request /></limit-concurrency>';

test("limit-concurrency: so many at once, the next is refused at once, and whoever has finished makes room (documented)", async () => {
  const { send, backend } = openKit({ backend: limited });
  const [first, second] = [held(), held()];
  backend.answers = [first.answer, second.answer];
  const running = [send(), send()];
  await Promise.all([first.arrived, second.arrived]);
  expect(seen(await send())).toEqual([429, "Concurrency limit is exceeded."]);
  expect((await send({ headers: { team: "other" } })).status).toBe(200);
  first.release(new Response("done"));
  expect((await running[0])?.status).toBe(200);
  expect((await send()).status).toBe(200);
  second.release(new Response("done"));
  expect((await running[1])?.status).toBe(200);
  const again = await Promise.all([send(), send()]);
  expect(again.map(({ status }) => status)).toEqual([200, 200]);
});

test("of many that come together so many pass", async () => {
  const { send } = openKit({ backend: limited });
  const statuses = (await Promise.all(Array.from({ length: 10 }, () => send()))).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(2);
});

test("a call that fails makes room, too", async () => {
  const { send, backend } = openKit({ backend: limited });
  backend.answers = Array.from({ length: 5 }, () => () => Promise.reject(new TypeError("fetch failed")));
  for (let call = 0; call < 5; call++) expect((await send()).status).toBe(500);
  expect((await send()).status).toBe(200);
});

test("policies share a key (documented)", async () => {
  const once = (inside: string): string => `<limit-concurrency key="k" max-count="1">${inside}</limit-concurrency>`;
  const { send } = openKit({ backend: once(once("<forward-request />")) });
  expect((await send()).status).toBe(429);
});
