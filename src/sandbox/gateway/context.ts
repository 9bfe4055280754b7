import type { Value } from "./expressions/values.ts";

/**
 * What policy expressions see as `context`
 * (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#ContextVariables): plain data and
 * views, which `expressions/` shows to C# under the names that it has there.
 */
export interface ExpressionContext {
  readonly requestId: string;
  readonly timestamp: Date;
  /** Since the request came in. */
  readonly elapsedMs: () => number;
  /** The next number of the instance's seeded generator, from 0 up to but not 1: what `new Random()` and `Guid.NewGuid()` draw from. */
  readonly random: () => number;
  readonly tracing: boolean;
  readonly api: ApiView;
  readonly operation: OperationView | null;
  readonly product: ProductView | null;
  readonly subscription: SubscriptionView | null;
  readonly user: UserView | null;
  readonly deployment: DeploymentView;
  readonly backend: BackendView | null;
  readonly request: RequestView;
  readonly response: ResponseView | null;
  readonly lastError: LastErrorView | null;
  readonly variables: ReadonlyMap<string, Value>;
  /** `context.Trace("...")`. */
  readonly trace: (message: string) => void;
}

export interface ApiView {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly revision: string;
  readonly version: string | null;
  readonly serviceUrl: UrlView | null;
  readonly isCurrentRevision: boolean;
  readonly subscriptionKeyParameterNames: { readonly header: string; readonly query: string };
}

export interface OperationView {
  readonly id: string;
  readonly name: string;
  readonly method: string;
  readonly urlTemplate: string;
}

export interface ProductView {
  readonly id: string;
  readonly name: string;
  readonly subscriptionRequired: boolean;
}

export interface SubscriptionView {
  readonly id: string;
  readonly name: string;
  readonly createdDate: Date;
  readonly primaryKey: string;
  readonly secondaryKey: string;
}

export interface UserView {
  readonly id: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
}

export interface DeploymentView {
  readonly region: string;
  readonly serviceName: string;
  readonly serviceId: string;
  readonly gatewayId: string;
}

export interface BackendView {
  readonly id: string;
  readonly type: "Single" | "Pool";
  readonly azureRegion: string | null;
}

export interface UrlView {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** With its `?`, or empty. */
  readonly queryString: string;
  /** Values by name, in the order of the URL. */
  readonly query: ReadonlyMap<string, readonly string[]>;
}

export interface HeadersView {
  /** All values of a header, whatever the case of its name; undefined where there is none. */
  get(name: string): readonly string[] | undefined;
  entries(): Iterable<readonly [name: string, values: readonly string[]]>;
}

export interface BodyView {
  /**
   * All of the body as text. Without `preserveContent` it is gone afterwards, as at the service. An expression that mentions a
   * body is evaluated only when that body has been buffered. Throws `ExpressionError` where it is gone already.
   */
  read(preserveContent: boolean): string;
}

export interface RequestView {
  readonly method: string;
  /** As it goes to the backend. */
  readonly url: UrlView;
  /** As the client sent it. */
  readonly originalUrl: UrlView;
  readonly ipAddress: string;
  readonly headers: HeadersView;
  readonly matchedParameters: ReadonlyMap<string, string>;
  readonly body: BodyView | null;
}

export interface ResponseView {
  readonly statusCode: number;
  readonly statusReason: string;
  readonly headers: HeadersView;
  readonly body: BodyView;
}

/** https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies */
export interface LastErrorView {
  readonly source: string;
  readonly reason: string;
  readonly message: string;
  readonly scope: string;
  readonly section: string;
  readonly path: string;
  readonly policyId: string;
}
