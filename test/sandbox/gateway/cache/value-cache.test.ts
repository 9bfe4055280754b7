import { describe, expect, test } from "vitest";
import { openKit } from "../kit.ts";

/** Shows a variable, or that it is not there. */
const show = `<return-response><set-body>@(context.Variables.ContainsKey("v") ? "v=" + Convert.ToString(context.Variables["v"]) : "not set")</set-body></return-response>`;
const lookup = (more = ""): string => `<cache-lookup-value key="@("k" + "1")" variable-name="v" ${more} />`;
const when = (path: string, policy: string): string =>
  `<when condition="@(context.Request.OriginalUrl.Path.EndsWith("${path}"))">${policy}</when>`;

const inbound = `<choose>
  ${when("/store", '<cache-store-value key="k1" value="@(context.Request.Headers.GetValueOrDefault("value", "none"))" duration="@(30 + 30)" />')}
  ${when("/number", '<cache-store-value key="k1" value="@(41)" duration="60" />')}
  ${when("/object", '<cache-store-value key="k1" value="@(new JObject(new JProperty("a", 1)))" duration="60" />')}
  ${when("/remove", '<cache-remove-value key="@("k1")" />')}
  ${when("/default", lookup('default-value="@(7)"'))}
  ${when("/sum", `${lookup()}<set-variable name="v" value="@((int)context.Variables["v"] + 1)" />`)}
  ${when("/member", `${lookup()}<set-variable name="v" value="@((int)((JObject)context.Variables["v"])["a"] + 1)" />`)}
  <otherwise>${lookup()}</otherwise>
</choose>${show}`;

describe("cache-store-value, cache-lookup-value and cache-remove-value", () => {
  const at = (path: string, value = "x") => ({ path: `/echo/${path}`, headers: { value } });

  test("a value is there for its duration, the newest one", async () => {
    const { send, clock } = openKit({ inbound });
    await send(at("store", "first"));
    await send(at("store", "second"));
    expect((await send(at("look"))).text).toBe("v=second");
    await clock.advance(59_999);
    expect((await send(at("look"))).text).toBe("v=second");
    await clock.advance(1);
    expect((await send(at("look"))).text).toBe("not set");
  });

  test("on a miss the variable is not set (documented), or set to default-value (documented)", async () => {
    const { send } = openKit({ inbound });
    expect([(await send(at("look"))).text, (await send(at("default"))).text]).toEqual(["not set", "v=7"]);
  });

  test("values keep their types (assumed)", async () => {
    const { send } = openKit({ inbound });
    await send(at("number"));
    expect((await send(at("sum"))).text).toBe("v=42");
    await send(at("object"));
    expect((await send(at("member"))).text).toBe("v=2");
  });

  test("cache-remove-value", async () => {
    const { send } = openKit({ inbound });
    await send(at("store"));
    await send(at("remove"));
    expect((await send(at("look"))).text).toBe("not set");
    expect((await send(at("remove"))).status).toBe(200);
  });

  test("they do not make a call a hit or a miss of the response cache", async () => {
    const { send, finished } = openKit({ inbound });
    await send(at("look"));
    expect(finished[0]?.call.record.cache).toBe("none");
  });
});
