/**
 * The members of `context` and of what is reached through it, by type. Facts:
 * https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#ContextVariables, and the authoring interfaces of
 * https://github.com/Azure/azure-api-management-policy-toolkit where they know more.
 *
 * A key with `()` is a method and its value what a call returns; `[]` is the indexer; `T` is the call's type argument. Types without an
 * entry here or in dotnet-members.ts have members that are not known, and `?` is a type that is not known itself.
 */
export type Members = Readonly<Record<string, string>>;

const api: Members = {
  Id: "string",
  Name: "string",
  Path: "string",
  Protocols: "IEnumerable",
  ServiceUrl: "IUrl",
  SubscriptionKeyParameterNames: "ISubscriptionKeyParameterNames",
};

/** Dictionaries of several values per name; their `GetValueOrDefault` joins them with commas. */
const lists: Members = {
  "[]": "string[]",
  "ContainsKey()": "bool",
  "GetValueOrDefault()": "string",
  "TryGetValue()": "bool",
  Count: "int",
  Keys: "IEnumerable",
  Values: "IEnumerable",
};

export const contextMembers: Readonly<Record<string, Members>> = {
  context: {
    Api: "IContextApi",
    Backend: "IBackend",
    Deployment: "IDeployment",
    Elapsed: "TimeSpan",
    GraphQL: "IGraphQL",
    LastError: "ILastError",
    Operation: "IOperation",
    Product: "IProduct",
    Request: "IRequest",
    RequestId: "Guid",
    Response: "IResponse",
    Subscription: "ISubscription",
    Timestamp: "DateTime",
    "Trace()": "void",
    Tracing: "bool",
    User: "IUser",
    Variables: "Variables",
    Workspace: "IWorkspace",
  },
  IApi: api,
  IContextApi: { ...api, IsCurrentRevision: "bool", Revision: "string", Version: "string" },
  IBackend: { AzureRegion: "string", Id: "string", Type: "?" },
  IDeployment: {
    Certificates: "Certificates",
    Gateway: "IGateway",
    GatewayId: "string",
    Region: "string",
    ServiceId: "string",
    ServiceName: "string",
    SustainabilityInfo: "ISustainabilityInfo",
  },
  IGateway: { Id: "string", InstanceId: "string", IsManaged: "bool" },
  ISustainabilityInfo: { CurrentCarbonIntensity: "?" },
  IGraphQL: { GraphQLArguments: "?", Arguments: "?", Parent: "?" },
  ILastError: {
    Message: "string",
    Path: "string",
    PolicyId: "string",
    Reason: "string",
    Scope: "string",
    Section: "string",
    Source: "string",
  },
  IOperation: { Id: "string", Method: "string", Name: "string", UrlTemplate: "string" },
  IProduct: {
    Apis: "IEnumerable",
    ApprovalRequired: "bool",
    Groups: "IEnumerable",
    Id: "string",
    Name: "string",
    State: "?",
    SubscriptionLimit: "?",
    SubscriptionRequired: "bool",
    SubscriptionsLimit: "?",
  },
  IRequest: {
    Body: "IMessageBody",
    Certificate: "X509Certificate2",
    Foundry: "IFoundry",
    Headers: "Lists",
    IpAddress: "string",
    MatchedParameters: "Parameters",
    Method: "string",
    OriginalUrl: "IUrl",
    PrivateEndpointConnection: "IPrivateEndpointConnection",
    Url: "IUrl",
  },
  IFoundry: { Deployment: "string" },
  IResponse: { Body: "IMessageBody", Headers: "Lists", StatusCode: "int", StatusReason: "string" },
  ISubscription: {
    CreatedDate: "DateTime",
    EndDate: "?",
    Id: "string",
    Key: "string",
    Name: "string",
    PrimaryKey: "string",
    SecondaryKey: "string",
    StartDate: "?",
  },
  IUser: {
    Email: "string",
    FirstName: "string",
    Groups: "IEnumerable",
    Id: "string",
    Identities: "IEnumerable",
    LastName: "string",
    Note: "string",
    RegistrationDate: "DateTime",
  },
  IWorkspace: { Id: "string", Name: "string" },
  IMessageBody: { "As()": "T", "AsFormUrlEncodedContent()": "Form" },
  IPrivateEndpointConnection: { Name: "string", GroupId: "string", MemberName: "string" },
  // The page calls the port an int, the toolkit a string.
  IUrl: { Host: "string", Path: "string", Port: "?", Query: "Lists", QueryString: "string", Scheme: "string" },
  ISubscriptionKeyParameterNames: { Header: "string", Query: "string" },
  // The page has UserId, the toolkit and Microsoft's samples Username.
  BasicAuthCredentials: { Password: "string", UserId: "string", Username: "string" },
  Jwt: {
    Algorithm: "string",
    Audiences: "IEnumerable",
    Claims: "Lists",
    ExpirationTime: "?",
    Id: "string",
    IssuedAt: "?",
    Issuer: "string",
    NotBefore: "?",
    Subject: "string",
    Type: "string",
  },
  Authorization: { AccessToken: "string", Claims: "Variables" },
  Lists: lists,
  Variables: { ...lists, "[]": "object", "GetValueOrDefault()": "T" },
  Parameters: { ...lists, "[]": "string" },
  Certificates: { ...lists, "[]": "X509Certificate2", "GetValueOrDefault()": "X509Certificate2" },
};

/** What C# calls the types that have a name of their own here. */
export const typeNames: Readonly<Record<string, string>> = {
  Certificates: "IReadOnlyDictionary<string, X509Certificate2>",
  Lists: "IReadOnlyDictionary<string, string[]>",
  Parameters: "IReadOnlyDictionary<string, string>",
  Variables: "IReadOnlyDictionary<string, object>",
  context: "IProxyRequestContext",
};

/** Members that no page has, but that policies in production use: they work. */
export const undocumentedMembers: Readonly<Record<string, Members>> = {
  IUrl: { "ToUri()": "Uri" },
  IRequest: { AzureVnetInfo: "?", "ToString()": "string" },
  ILastError: { HttpErrorCode: "?", ElementId: "?" },
};

/** What every object has. */
export const objectMembers: Members = { "Equals()": "bool", "GetHashCode()": "int", "GetType()": "Type", "ToString()": "string" };

/** Types that can be enumerated, and so have the methods of LINQ. */
export const enumerables: ReadonlySet<string> = new Set(["Lists", "Variables", "Parameters", "Certificates", "string", "string[]"]);

/** https://learn.microsoft.com/dotnet/api/system.linq.enumerable */
export const linqMembers: Members = {
  "Aggregate()": "?",
  "All()": "bool",
  "Any()": "bool",
  "Append()": "?",
  "AsEnumerable()": "?",
  "AsParallel()": "?",
  "AsQueryable()": "?",
  "Average()": "?",
  "Cast()": "?",
  "Chunk()": "?",
  "Concat()": "?",
  "Contains()": "bool",
  "Count()": "int",
  "DefaultIfEmpty()": "?",
  "Distinct()": "?",
  "DistinctBy()": "?",
  "ElementAt()": "?",
  "ElementAtOrDefault()": "?",
  "Except()": "?",
  "First()": "?",
  "FirstOrDefault()": "?",
  "GroupBy()": "?",
  "GroupJoin()": "?",
  "Intersect()": "?",
  "Join()": "?",
  "Last()": "?",
  "LastOrDefault()": "?",
  "LongCount()": "long",
  "Max()": "?",
  "Min()": "?",
  "OfType()": "?",
  "OrderBy()": "?",
  "OrderByDescending()": "?",
  "Prepend()": "?",
  "Reverse()": "?",
  "Select()": "?",
  "SelectMany()": "?",
  "SequenceEqual()": "bool",
  "Single()": "?",
  "SingleOrDefault()": "?",
  "Skip()": "?",
  "SkipLast()": "?",
  "SkipWhile()": "?",
  "Sum()": "?",
  "Take()": "?",
  "TakeLast()": "?",
  "TakeWhile()": "?",
  "ToArray()": "?",
  "ToDictionary()": "?",
  "ToHashSet()": "?",
  "ToList()": "?",
  "ToLookup()": "?",
  "Union()": "?",
  "Where()": "?",
  "Zip()": "?",
};
