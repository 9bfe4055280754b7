import { Hono, type HonoRequest, type MiddlewareHandler } from "hono";
import {
  backendInput,
  checked,
  clearInput,
  clockInput,
  contentSafetyInput,
  faultInput,
  logsInput,
  readInput,
  resetInput,
} from "./control/inputs.ts";
import { ControlError, type Controls } from "./control/operations.ts";
import { type LogTable, logTables } from "./gateway/logs/rows.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * The sandbox's controls over HTTP, for requests that carry its token (`README.md`, "Control API"), and each model by itself under
 * `/models/{host}/`. Answers are JSON; 400, 401, 404, 409 and 413 are `{"error": {"code", "message"}}`.
 */
export function controlApp({ token, controls, dataPlane }: Sandbox): Hono {
  const app = new Hono();
  app.onError((error) => {
    const { status, code, message } = error instanceof ControlError ? error : new ControlError(500, "InternalError", String(error));
    return Response.json({ error: { code, message } }, { status });
  });
  app.notFound(({ req: { method, path } }) => {
    const known = routes.map(([knownMethod, knownPath]) => `${knownMethod} ${knownPath}`);
    throw new ControlError(404, "RouteNotFound", `There is no ${method} ${path}. There are: ${known.join(", ")}, ANY /models/:host/*.`);
  });
  app.use(authentication(token));
  for (const [method, path, act] of routes) {
    app.on(method, path, async ({ req }) => Response.json((await act(await controls(), req)) ?? {}));
  }
  app.all("/models/:host/*", async ({ req }) => {
    const { models } = await dataPlane();
    const host = req.param("host");
    const { pathname, search } = new URL(req.url);
    const model = models.of(host);
    if (model === undefined) throw new ControlError(404, "BackendNotFound", `'${host}' is no host of a model.`);
    return await model.fetch(new Request(`https://${host}${pathname.slice(`/models/${host}`.length)}${search}`, req.raw));
  });
  return app;
}

/** What an operation answers is the body; `{}` where it answers nothing. */
type Operation = (controls: Controls, request: HonoRequest) => unknown;

const routes: readonly (readonly [method: string, path: string, act: Operation])[] = [
  ["GET", "/clock", (controls) => controls.clock()],
  ["POST", "/clock", async (controls, { raw }) => controls.advance((await readInput(raw, clockInput)).advance)],
  ["POST", "/fault", async (controls, { raw }) => controls.addFault(await readInput(raw, faultInput))],
  ["DELETE", "/fault", (controls) => controls.clearFaults()],
  [
    "POST",
    "/backend",
    async (controls, { raw }) => {
      const { backend, ...given } = await readInput(raw, backendInput);
      controls.scriptBackend(backend, given);
    },
  ],
  ["DELETE", "/backend", async (controls, { raw }) => controls.clearBackends((await readInput(raw, clearInput)).backend)],
  [
    "POST",
    "/content-safety",
    async (controls, { raw }) => controls.scriptContentSafety((await readInput(raw, contentSafetyInput)).findings),
  ],
  ["GET", "/state", (controls) => controls.state()],
  ["GET", "/logs/:table", (controls, request) => controls.logs(tableIn(request), checked(request.query(), logsInput).last)],
  ["POST", "/reset", async (controls, { raw }) => controls.reset((await readInput(raw, resetInput)).what)],
];

function tableIn(request: HonoRequest): LogTable {
  const given = request.param("table");
  const table = logTables.find((name) => name === given);
  if (table === undefined)
    throw new ControlError(404, "TableNotFound", `There is no table '${given}'. There are: ${logTables.join(", ")}.`);
  return table;
}

function authentication(token: string): MiddlewareHandler {
  return async ({ req }, next) => {
    if (req.header("authorization") !== `Bearer ${token}`) {
      throw new ControlError(401, "Unauthorized", "The sandbox's token is needed: Authorization: Bearer TOKEN, from its ready line.");
    }
    await next();
  };
}
