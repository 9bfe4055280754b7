import type { Call } from "./access.ts";
import { unboxedDefault } from "./casts.ts";
import { fitting, oneOf } from "./choices.ts";
import { brought, constant, eitherOf, following, isMaybeSet, nothing, notUnderstood, present, Thrown, truth, whysOf } from "./data.ts";
import { type Frame, GivenUp } from "./frame.ts";
import { lifted } from "./lifted.ts";
import { isText } from "./numbers.ts";
import { defaultOf } from "./type-names.ts";
import { deploymentOf } from "./unknown-members.ts";
import type { Input, Known, StaticCall, Unknown, Variables } from "./values.ts";

type Member = (frame: Frame) => Known;

const input =
  (what: Input["what"], name: string): Member =>
  () =>
    brought(what, name);

const object = (what: string): Member => {
  const value = present(what);
  return () => value;
};

const [theSubscription, theWorkspace, theUser] = [present("Subscription"), present("Workspace"), present("User")];

/** A member of what a call may not have. */
const of =
  (kind: "subscription" | "product" | "api" | "operation", read: (call: StaticCall) => string | undefined, name: string): Member =>
  ({ call }) => {
    const value = read(call);
    return value === undefined ? brought(kind === "subscription" ? "expression" : kind, name) : constant(value);
  };

const objectOrNull = (what: string, value: object | null | undefined, kind: "product" | "api" | "operation"): Known => {
  if (value === undefined) return brought(kind, "");
  return value === null ? nothing : present(what);
};

/** `context` and what is below it (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#ContextVariables). */
const objects: Readonly<Record<string, Readonly<Record<string, Member>>>> = {
  context: {
    Subscription: ({ call: { subscription } }) =>
      subscription === undefined ? brought("expression", "context.Subscription") : subscription === null ? nothing : theSubscription,
    Product: ({ call }) => objectOrNull("Product", call.product, "product"),
    Api: object("Api"),
    Operation: object("Operation"),
    Workspace: ({ call }) => (call.workspaceId === undefined ? nothing : theWorkspace),
    Variables: object("Variables"),
    Request: object("Request"),
    Response: input("response", ""),
    LastError: input("response", "LastError"),
    Backend: input("response", "Backend"),
    User: ({ call: { user } }) => (user === undefined ? brought("user", "") : user === null ? nothing : theUser),
    Deployment: object("Deployment"),
    Elapsed: input("time", "context.Elapsed"),
    RequestId: input("time", "context.RequestId"),
    Timestamp: input("time", "context.Timestamp"),
    Tracing: input("header", "Ocp-Apim-Trace"),
  },
  Subscription: {
    Id: of("subscription", ({ subscription }) => subscription?.id, "context.Subscription.Id"),
    Name: of("subscription", ({ subscription }) => subscription?.name, "context.Subscription.Name"),
    Key: input("subscription-key", "context.Subscription.Key"),
    PrimaryKey: input("subscription-key", "context.Subscription.PrimaryKey"),
    SecondaryKey: input("subscription-key", "context.Subscription.SecondaryKey"),
  },
  Product: {
    Id: of("product", ({ product }) => product?.id, "Id"),
    Name: of("product", ({ product }) => product?.name, "Name"),
  },
  Api: {
    Id: of("api", ({ api }) => api?.id, "Id"),
    Name: of("api", ({ api }) => api?.name, "Name"),
    Path: of("api", ({ api }) => api?.path, "Path"),
  },
  Operation: { Id: of("operation", ({ operation }) => operation?.id, "Id") },
  User: { Id: ({ call: { user } }) => constant(user?.id ?? null) },
  Workspace: {
    Id: ({ call }) => constant(call.workspaceId ?? null),
  },
  Request: {
    Headers: object("Headers"),
    Url: object("Url"),
    OriginalUrl: object("Url"),
    MatchedParameters: object("MatchedParameters"),
    Method: input("method", ""),
    IpAddress: input("address", ""),
    Body: input("body", ""),
    Certificate: input("certificate", ""),
    PrivateEndpointConnection: input("address", ""),
    Foundry: object("Foundry"),
  },
  Foundry: { Deployment: ({ call }) => deploymentOf(call) },
  Url: {
    Path: input("path", ""),
    Query: object("Query"),
    QueryString: input("query", ""),
    Host: input("gateway", "host"),
    Port: input("gateway", "port"),
    Scheme: input("gateway", "scheme"),
  },
  Deployment: {
    Region: input("gateway", "region"),
    GatewayId: input("gateway", "id"),
    ServiceId: input("gateway", "service"),
    ServiceName: input("gateway", "service"),
    Certificates: input("gateway", "certificates"),
    SustainabilityInfo: input("gateway", "sustainability"),
  },
};

/** What other members of these depend on. */
const rest: Readonly<Record<string, Input["what"]>> = {
  Product: "product",
  Api: "api",
  Operation: "operation",
  Deployment: "gateway",
};

/** `context.X`, `context.Request.X` ... */
export function contextMember(what: string, name: string, source: string, frame: Frame): Known {
  const members = Object.hasOwn(objects, what) ? objects[what] : undefined;
  const member = members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined;
  if (member !== undefined) return member(frame);
  // Of one user everything else is the same for each of his calls.
  if (what === "User") return brought("user", `${frame.call.user?.id ?? ""}.${name}`);
  const kind = Object.hasOwn(rest, what) ? rest[what] : undefined;
  if (kind !== undefined) return brought(kind, name);
  const list = Object.hasOwn(lists, what) ? lists[what] : undefined;
  return list === undefined ? notUnderstood(source) : brought(list, "");
}

/** What has a value for each of many names. */
const lists: Readonly<Record<string, Input["what"]>> = { Headers: "header", Query: "query", MatchedParameters: "path" };

/** Names of an operation's template parameters in Azure OpenAI's and similar APIs. */
const deploymentParameter = /^(?:deployment|model)(?:[-_]?(?:id|name))?$/i;

/** Whether the subscription's key may stand there. */
function bringsKey(what: string, name: string, { api, subscription }: StaticCall): boolean {
  const keyName = what === "Headers" ? api?.keyNames?.header : what === "Query" ? api?.keyNames?.query : undefined;
  return subscription != null && keyName !== undefined && keyName.toLowerCase() === name.toLowerCase();
}

function named(what: string, name: string, { call }: Frame): Known | null {
  if (what === "MatchedParameters" && deploymentParameter.test(name)) return deploymentOf(call);
  if (bringsKey(what, name, call)) return brought("subscription-key", `${what === "Query" ? "query" : "header"} ${name.toLowerCase()}`);
  const kind = Object.hasOwn(lists, what) ? lists[what] : undefined;
  return kind === undefined ? null : brought(kind, name);
}

/** `context.Variables["x"]` and the like; null where it is another object's index. */
export function contextIndexed(what: string, index: Known, source: string, frame: Frame): Known | null {
  if (what === "Variables") return variable(index, source, frame, null);
  if (!Object.hasOwn(lists, what)) return null;
  return lifted([index], source, ([name = index]) => (isText(name) ? (named(what, name.value, frame) ?? nothing) : notUnderstood(source)));
}

/** Methods of `context.Variables`, headers, query and template parameters; null where the object has none that are known. */
export function contextMethod(what: string, call: Call): Known | null {
  if (what === "Variables") return variablesMethod(call);
  if (what === "context" || what === "Url") return following([brought(what === "Url" ? "path" : "expression", "")], call.source);
  if (!Object.hasOwn(lists, what)) return null;
  const [name] = call.arguments;
  if (name === undefined || !isText(name)) return following([brought(lists[what] ?? "header", ""), ...call.arguments], call.source);
  const value = named(what, name.value, call.frame) ?? nothing;
  switch (call.name) {
    case "GetValueOrDefault":
      return value;
    case "TryGetValue":
      for (const out of call.outs) call.frame.locals.set(out, value);
      return value.kind === "unknown" ? following([value], call.source) : truth(true);
    default:
      return value.kind === "unknown"
        ? following([value], call.source)
        : call.name === "ContainsKey"
          ? truth(true)
          : notUnderstood(call.source);
  }
}

function variablesMethod({ name, arguments: [key, fallback], types, outs, source, frame }: Call): Known {
  if (key === undefined) return everyVariable(frame.variables, source);
  switch (name) {
    case "GetValueOrDefault": {
      const [type = null] = types;
      const otherwise = fallback ?? (type === null ? nothing : defaultOf(type));
      return typed(variable(key, source, frame, otherwise), type ?? typeOfDefault(fallback), source);
    }
    case "ContainsKey":
      return isSet(key, source, frame);
    case "TryGetValue": {
      const value = variable(key, source, frame, nothing);
      for (const out of outs) frame.locals.set(out, value);
      return isSet(key, source, frame);
    }
    default:
      return everyVariable(frame.variables, source);
  }
}

const everyVariable = (variables: Variables, source: string): Known => following([...variables.values()], source);

/** The type that C# infers of the default. */
function typeOfDefault(fallback: Known | undefined): string | null {
  if (fallback?.kind !== "constant" || fallback.type !== undefined) return null;
  if (typeof fallback.value === "string") return "string";
  return typeof fallback.value === "number" ? "int" : typeof fallback.value === "boolean" ? "bool" : null;
}

const typed = (value: Known, type: string | null, source: string): Known =>
  type === null ? value : lifted([value], source, ([held = value]) => unboxedDefault(held, type));

/** `otherwise`: where it is not set; null: C# throws. */
function variable(key: Known, source: string, frame: Frame, otherwise: Known | null): Known {
  if (key.kind === "unknown") return someVariable(key, source, frame, otherwise);
  return lifted([key], source, ([name = key]) => {
    if (!isText(name)) throw new GivenUp();
    const value = frame.variables.get(name.value);
    if (value === undefined) {
      if (otherwise === null) throw new Thrown(`the variable '${name.value}' is not set`);
      return otherwise;
    }
    if (value.kind === "throws") throw new Thrown(value.why);
    if (!isMaybeSet(value)) return value;
    return otherwise === null ? value.ifSet : eitherOf(value.ifSet, otherwise, value.inputs, source);
  });
}

/** A variable whose name is known in part, such as `tokenlimit-` and a deployment. */
function someVariable(key: Unknown, source: string, { variables }: Frame, otherwise: Known | null): Known {
  if (!key.parts.some((part) => typeof part === "string")) return following([key, ...variables.values()], source);
  const found = fitting(variables, key).map((value) => (isMaybeSet(value) ? value.ifSet : value));
  const values = otherwise === null ? found : [...found, otherwise];
  if (values.length === 0) throw new Thrown(`no variable fits to ${source}`);
  return oneOf(values, key, source);
}

function isSet(key: Known, source: string, { variables }: Frame): Known {
  if (key.kind === "unknown") {
    const some = !key.parts.some((part) => typeof part === "string") || fitting(variables, key).length > 0;
    return some ? following([key], source) : truth(false);
  }
  return lifted([key], source, ([name = key]) => {
    if (!isText(name)) throw new GivenUp();
    const value = variables.get(name.value);
    if (value === undefined || !isMaybeSet(value)) return truth(value !== undefined);
    return { ...following([value], source), why: whysOf(value.inputs) };
  });
}
