import { describe, expect, test } from "vitest";
import type { Judged } from "../../../src/change/guards/index.ts";
import { change, messageOf, namedValue, policy, pool, serviceOf, single, to, verdictOf } from "./judged.ts";

const chat = "apis/chat/policies/policy";

describe("no_backend_left", () => {
  const service = serviceOf({
    apis: { chat: null, open: "https://origin.example" },
    products: { aoai: ["chat"] },
    policies: { [chat]: String(to("p").value), "apis/open/policies/policy": String(to("{{target}}").value) },
    namedValues: { target: "b" },
    backends: { a: single(), b: single(), p: pool("a"), spare: single() },
  });

  test.each<[what: string, verdict: "passed" | "blocked" | "absent", change: Judged, message?: string]>([
    ["another backend", "passed", change(service, { [chat]: to("b") })],
    [
      "a backend that does not exist",
      "blocked",
      change(service, { [chat]: to("c") }),
      "API 'chat' would go to backend 'c', which does not exist.",
    ],
    [
      "one that does not exist, while another is deleted",
      "blocked",
      change(service, { [chat]: to("c"), "backends/spare": null }),
      "API 'chat' would go to backend 'c', which does not exist.",
    ],
    ["a backend that the change creates", "passed", change(service, { [chat]: to("c"), "backends/c": single() })],
    [
      "a backend that the change deletes",
      "blocked",
      change(service, { [chat]: to("spare"), "backends/spare": null }),
      "API 'chat' would go to backend 'spare', which this change deletes.",
    ],
    [
      "a backend that another API goes to",
      "blocked",
      change(service, { "backends/b": null }),
      "API 'open' would go to backend 'b', which this change deletes.",
    ],
    [
      "the only member of a pool",
      "blocked",
      change(service, { "backends/a": null }),
      "API 'chat' would go to backend 'a', which this change deletes.",
    ],
    ["a backend that nothing goes to", "passed", change(service, { "backends/spare": null })],
    [
      "a pool that is empty",
      "blocked",
      change(service, { [chat]: to("q"), "backends/q": pool() }),
      "API 'chat' would go to backend 'q', which has no member.",
    ],
    [
      "no backend, and no service URL",
      "blocked",
      change(service, { [chat]: policy("<base />") }),
      "API 'chat' would have no backend: no policy chooses one and it has no service URL, or its policies end every call before.",
    ],
    ["the whole policy of such an API", "blocked", change(service, { [chat]: null })],
    ["no backend, but a service URL", "passed", change(service, { "apis/open/policies/policy": policy("<base />") })],
    [
      "a named value that names another",
      "blocked",
      change(service, { "namedValues/nv-0": namedValue("target", "gone") }),
      "API 'open' would go to backend 'gone', which does not exist.",
    ],
    ["what an expression decides", "passed", change(service, { [chat]: to('@(context.Request.Headers.GetValueOrDefault("x", ""))') })],
    [
      "what every call fails at",
      "blocked",
      change(service, { "apis/open/policies/policy": to('@((string)context.Variables["x"])') }),
      "API 'open' would have no backend",
    ],
    [
      "a missing backend that an expression always comes to",
      "blocked",
      change(service, { [chat]: to('@("go" + "ne")') }),
      "API 'chat' would go to backend 'gone', which does not exist.",
    ],
    ["an edit beside the route", "absent", change(service, { [chat]: policy(`<base /><cors /><set-backend-service backend-id="p" />`) })],
  ])("%s: %s", (_, verdict, subject, message) => {
    expect(verdictOf(subject, "no_backend_left")).toBe(verdict);
    if (message !== undefined) expect(messageOf(subject, "no_backend_left")).toContain(message);
  });

  test("what was missing before is none of the change's", () => {
    const broken = serviceOf({ apis: { chat: null }, policies: { [chat]: String(to("gone").value) }, backends: { a: single() } });
    expect(verdictOf(change(broken, { [chat]: policy(`<set-backend-service backend-id="gone" /><base />`) }), "no_backend_left")).toBe(
      "passed",
    );
  });
});
