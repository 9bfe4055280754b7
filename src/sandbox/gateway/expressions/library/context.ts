import type { ExpressionContext, HeadersView, UrlView } from "../../context.ts";
import { NetArray, NetDictionary, NetList } from "../collections.ts";
import { defaultOf, unboxed } from "../conversions.ts";
import { DateTime, TimeSpan } from "../dates.ts";
import { type Definition, define, type Implementation, Outs } from "../definitions.ts";
import { ExpressionError, unsupported } from "../errors.ts";
import { readGuid } from "../json-conversions.ts";
import type { Run } from "../run.ts";
import { type Bindings, type, types } from "../types.ts";
import { type NetObject, toText, type Value } from "../values.ts";
import {
  ApiValue,
  BackendValue,
  BodyValue,
  ContextValue,
  DeploymentValue,
  GatewayValue,
  KeyNamesValue,
  LastErrorValue,
  OperationValue,
  ProductValue,
  RequestValue,
  ResponseValue,
  SubscriptionValue,
  UrlValue,
  UserValue,
} from "../views.ts";
import { ContextMap } from "./context-maps.ts";
import { parseJson } from "./json-values.ts";
import { bytesValue, flag, on, text, textOrNull } from "./read.ts";
import { uriOf } from "./web.ts";

function orNull<V>(view: V | null, wrap: (view: V) => NetObject): Value {
  return view === null ? null : wrap(view);
}

function listed(values: readonly string[]): NetArray {
  return new NetArray(types.string, [...values]);
}

function headersOf(headers: HeadersView): ContextMap {
  return new ContextMap(
    "Lists",
    (name) => {
      const values = headers.get(name);
      return values === undefined ? undefined : listed(values);
    },
    () => [...headers.entries()].map(([name, values]) => [name, listed(values)] as const),
  );
}

function queryOf({ query }: UrlView): ContextMap {
  return new ContextMap(
    "Lists",
    (name) => {
      const values = query.get(name);
      return values === undefined ? undefined : listed(values);
    },
    () => [...query].map(([name, values]) => [name, listed(values)] as const),
  );
}

/** A request's id is made by the gateway; where it is no GUID, as in tests, its text still is. */
function requestId({ requestId }: ExpressionContext): Value {
  const guid = readGuid(requestId);
  if (guid === null) throw unsupported("a request id that is no GUID");
  return guid;
}

const contexts = define("IProxyRequestContext", {
  "Api: IContextApi": on(ContextValue, ({ view }) => new ApiValue(view.api)),
  "Backend: IBackend": on(ContextValue, ({ view }) => orNull(view.backend, (backend) => new BackendValue(backend))),
  "Deployment: IDeployment": on(ContextValue, ({ view }) => new DeploymentValue(view.deployment)),
  "Elapsed: TimeSpan": on(ContextValue, ({ view }) => TimeSpan.ofMilliseconds(view.elapsedMs())),
  "LastError: ILastError": on(ContextValue, ({ view }) => orNull(view.lastError, (error) => new LastErrorValue(error))),
  "Operation: IOperation": on(ContextValue, ({ view }) => orNull(view.operation, (operation) => new OperationValue(operation))),
  "Product: IProduct": on(ContextValue, ({ view }) => orNull(view.product, (product) => new ProductValue(product))),
  "Request: IRequest": on(ContextValue, ({ view }) => new RequestValue(view.request)),
  "RequestId: Guid": on(ContextValue, ({ view }) => requestId(view)),
  "Response: IResponse": on(ContextValue, ({ view }) => orNull(view.response, (response) => new ResponseValue(response))),
  "Subscription: ISubscription": on(ContextValue, ({ view }) =>
    orNull(view.subscription, (subscription) => new SubscriptionValue(subscription)),
  ),
  "Timestamp: DateTime": on(ContextValue, ({ view }) => DateTime.of(view.timestamp)),
  "Tracing: bool": on(ContextValue, ({ view }) => view.tracing),
  "User: IUser": on(ContextValue, ({ view }) => orNull(view.user, (user) => new UserValue(user))),
  "Variables: Variables": on(
    ContextValue,
    ({ view }) =>
      new ContextMap(
        "Variables",
        (name) => view.variables.get(name),
        () => view.variables,
      ),
  ),
  "Trace(string message)": on(ContextValue, ({ view }, [, message], run) => {
    view.trace(run.text(textOrNull(message) ?? ""));
    return null;
  }),
});

const apis = define("IContextApi", {
  "Id: string": on(ApiValue, ({ view }) => view.id),
  "Name: string": on(ApiValue, ({ view }) => view.name),
  "Path: string": on(ApiValue, ({ view }) => view.path),
  "Revision: string": on(ApiValue, ({ view }) => view.revision),
  "Version: string": on(ApiValue, ({ view }) => view.version),
  "ServiceUrl: IUrl": on(ApiValue, ({ view }) => orNull(view.serviceUrl, (url) => new UrlValue(url))),
  "IsCurrentRevision: bool": on(ApiValue, ({ view }) => view.isCurrentRevision),
  "SubscriptionKeyParameterNames: ISubscriptionKeyParameterNames": on(
    ApiValue,
    ({ view }) => new KeyNamesValue(view.subscriptionKeyParameterNames),
  ),
});

const keyNames = define("ISubscriptionKeyParameterNames", {
  "Header: string": on(KeyNamesValue, ({ view }) => view.header),
  "Query: string": on(KeyNamesValue, ({ view }) => view.query),
});

const backends = define("IBackend", {
  "Id: string": on(BackendValue, ({ view }) => view.id),
  // Assumed: a text; the page names the values and no type.
  "Type: string": on(BackendValue, ({ view }) => view.type),
  "AzureRegion: string": on(BackendValue, ({ view }) => view.azureRegion),
});

const deployments = define("IDeployment", {
  "Region: string": on(DeploymentValue, ({ view }) => view.region),
  "ServiceId: string": on(DeploymentValue, ({ view }) => view.serviceId),
  "ServiceName: string": on(DeploymentValue, ({ view }) => view.serviceName),
  "GatewayId: string": on(DeploymentValue, ({ view }) => view.gatewayId),
  "Gateway: IGateway": on(DeploymentValue, ({ view }) => new GatewayValue(view)),
});

const gateways = define("IGateway", {
  "Id: string": on(GatewayValue, ({ view }) => view.gatewayId),
  // The gateway that Microsoft runs; a self-hosted one has a name of its own.
  "IsManaged: bool": on(GatewayValue, ({ view }) => view.gatewayId === "managed"),
});

const errors = define("ILastError", {
  "Message: string": on(LastErrorValue, ({ view }) => view.message),
  "Path: string": on(LastErrorValue, ({ view }) => view.path),
  "PolicyId: string": on(LastErrorValue, ({ view }) => view.policyId),
  "Reason: string": on(LastErrorValue, ({ view }) => view.reason),
  "Scope: string": on(LastErrorValue, ({ view }) => view.scope),
  "Section: string": on(LastErrorValue, ({ view }) => view.section),
  "Source: string": on(LastErrorValue, ({ view }) => view.source),
});

const operations = define("IOperation", {
  "Id: string": on(OperationValue, ({ view }) => view.id),
  "Method: string": on(OperationValue, ({ view }) => view.method),
  "Name: string": on(OperationValue, ({ view }) => view.name),
  "UrlTemplate: string": on(OperationValue, ({ view }) => view.urlTemplate),
});

const products = define("IProduct", {
  "Id: string": on(ProductValue, ({ view }) => view.id),
  "Name: string": on(ProductValue, ({ view }) => view.name),
  "SubscriptionRequired: bool": on(ProductValue, ({ view }) => view.subscriptionRequired),
});

const subscriptions = define("ISubscription", {
  "CreatedDate: DateTime": on(SubscriptionValue, ({ view }) => DateTime.of(view.createdDate)),
  "Id: string": on(SubscriptionValue, ({ view }) => view.id),
  "Name: string": on(SubscriptionValue, ({ view }) => view.name),
  "PrimaryKey: string | Key: string": on(SubscriptionValue, ({ view }) => view.primaryKey),
  "SecondaryKey: string": on(SubscriptionValue, ({ view }) => view.secondaryKey),
});

const users = define("IUser", {
  "Email: string": on(UserValue, ({ view }) => view.email),
  "FirstName: string": on(UserValue, ({ view }) => view.firstName),
  "Id: string": on(UserValue, ({ view }) => view.id),
  "LastName: string": on(UserValue, ({ view }) => view.lastName),
});

const requests = define("IRequest", {
  "Body: IMessageBody": on(RequestValue, ({ view }) => orNull(view.body, (body) => new BodyValue(body))),
  "Headers: Lists": on(RequestValue, ({ view }) => headersOf(view.headers)),
  "IpAddress: string": on(RequestValue, ({ view }) => view.ipAddress),
  "MatchedParameters: Parameters": on(
    RequestValue,
    ({ view }) =>
      new ContextMap(
        "Parameters",
        (name) => view.matchedParameters.get(name),
        () => view.matchedParameters,
      ),
  ),
  "Method: string": on(RequestValue, ({ view }) => view.method),
  "OriginalUrl: IUrl": on(RequestValue, ({ view }) => new UrlValue(view.originalUrl)),
  "Url: IUrl": on(RequestValue, ({ view }) => new UrlValue(view.url)),
});

const responses = define("IResponse", {
  "Body: IMessageBody": on(ResponseValue, ({ view }) => new BodyValue(view.body)),
  "Headers: Lists": on(ResponseValue, ({ view }) => headersOf(view.headers)),
  "StatusCode: int": on(ResponseValue, ({ view }) => view.statusCode),
  "StatusReason: string": on(ResponseValue, ({ view }) => view.statusReason),
});

const urls = define("IUrl", {
  "Host: string": on(UrlValue, ({ view }) => view.host),
  "Path: string": on(UrlValue, ({ view }) => view.path),
  "Port: int": on(UrlValue, ({ view }) => view.port),
  "Query: Lists": on(UrlValue, ({ view }) => queryOf(view)),
  "QueryString: string": on(UrlValue, ({ view }) => view.queryString),
  "Scheme: string": on(UrlValue, ({ view }) => view.scheme),
  "ToUri(): Uri": on(UrlValue, (self) => uriOf(self.toText())),
});

/** Assumed: `byte[]` are those of the text in UTF-8. */
function bodyAs({ view }: BodyValue, preserveContent: boolean, run: Run, bindings: Bindings): Value {
  const wanted = bindings.get("T")?.text ?? "";
  const written = run.text(view.read(preserveContent));
  switch (wanted) {
    case "string":
      return written;
    case "byte[]":
      return bytesValue(Buffer.from(written, "utf8"), run);
    case "JObject":
    case "JArray":
    case "JToken":
      return parseJson(written, wanted, run);
    default:
      throw unsupported(`Body.As<${wanted}>()`);
  }
}

function formOf(written: string): NetDictionary {
  const lists = type("IList<string>");
  const form = new NetDictionary(types.string, lists);
  for (const name of new Set(new URLSearchParams(written).keys()))
    form.set(name, new NetList(types.string, new URLSearchParams(written).getAll(name)));
  return form;
}

const bodies = define("IMessageBody", {
  "As<T>([bool preserveContent]): T": on(BodyValue, (self, [, preserve], run, bindings) => bodyAs(self, flag(preserve), run, bindings)),
  "AsFormUrlEncodedContent([bool preserveContent]): Dictionary<string, IList<string>>": on(BodyValue, (self, [, preserve], run) =>
    formOf(run.text(self.view.read(flag(preserve)))),
  ),
});

function notFound(name: string): ExpressionError {
  return new ExpressionError("KeyNotFoundException", `The given key '${name}' was not present in the dictionary.`);
}

/** What the read-only dictionaries of `context` have in common. */
function mapMembers(value: string): Readonly<Record<string, Implementation>> {
  return {
    "Count: int": on(ContextMap, (self) => self.entries().length),
    "Keys: IEnumerable<string>": on(ContextMap, (self) => listed(self.entries().map(([name]) => name))),
    [`Values: IEnumerable<${value}>`]: on(
      ContextMap,
      (self) =>
        new NetArray(
          type(value),
          self.entries().map(([, each]) => each),
        ),
    ),
    "ContainsKey(string key): bool": on(ContextMap, (self, [, name]) => self.get(text(name, "key")) !== undefined),
    [`this[string key]: ${value}`]: on(ContextMap, (self, [, name]) => {
      const found = self.get(text(name, "key"));
      if (found === undefined) throw notFound(text(name));
      return found;
    }),
    [`TryGetValue(string key, out ${value} value): bool`]: on(ContextMap, (self, [, name]) => {
      const found = self.get(text(name, "key"));
      return new Outs(found !== undefined, found ?? null);
    }),
  };
}

/** Throws where the variable is of another type, as documented. */
function variable(self: ContextMap, args: readonly Value[], run: Run, bindings: Bindings): Value {
  const [, name, otherwise] = args;
  const wanted = bindings.get("T") ?? types.object;
  const found = self.get(text(name, "key"));
  if (found === undefined) return otherwise === undefined ? defaultOf(run.library, wanted) : otherwise;
  return unboxed(run.library, found, wanted);
}

const variables = define(
  "Variables",
  {
    ...mapMembers("object"),
    "GetValueOrDefault<T>(string key): T | GetValueOrDefault<T>(string key, T defaultValue): T": on(ContextMap, variable),
    "GetValueOrDefault(string key): object": on(ContextMap, (self, [, name]) => self.get(text(name, "key")) ?? null),
  },
  { bases: ["IEnumerable<KeyValuePair<string, object>>"] },
);

/** Several values of one name are joined by commas. */
const lists = define(
  "Lists",
  {
    ...mapMembers("string[]"),
    "GetValueOrDefault(string key): string | GetValueOrDefault(string key, string defaultValue): string": on(
      ContextMap,
      (self, [, name, otherwise = null]) => {
        const found = self.get(text(name, "key"));
        return found instanceof NetArray ? found.values.map(toText).join(",") : otherwise;
      },
    ),
    // Of claims, as Microsoft's samples call it.
    "GetValueOrDefault(string key, string[] defaultValue): string[]": on(
      ContextMap,
      (self, [, name, otherwise = null]) => self.get(text(name, "key")) ?? otherwise,
    ),
  },
  { bases: ["IEnumerable<KeyValuePair<string, string[]>>"] },
);

const parameters = define(
  "Parameters",
  {
    ...mapMembers("string"),
    "GetValueOrDefault(string key): string | GetValueOrDefault(string key, string defaultValue): string": on(
      ContextMap,
      (self, [, name, otherwise = null]) => self.get(text(name, "key")) ?? otherwise,
    ),
  },
  { bases: ["IEnumerable<KeyValuePair<string, string>>"] },
);

/** https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#ContextVariables */
export const contextDefinitions: readonly Definition[] = [
  contexts,
  apis,
  keyNames,
  backends,
  deployments,
  gateways,
  errors,
  operations,
  products,
  subscriptions,
  users,
  requests,
  responses,
  urls,
  bodies,
  variables,
  lists,
  parameters,
];
