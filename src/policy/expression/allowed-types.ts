/** What the service says of a type. */
type TypeVerdict = "allowed" | "refused" | "unlisted";

/**
 * Types that expressions may use
 * (https://learn.microsoft.com/azure/api-management/api-management-policy-expressions#CLRTypes). The list is known to be shorter than what
 * the service lets through, so that its lack of a name is no error.
 */
const listed: Readonly<Record<string, string>> = {
  System:
    "Action Array ArgumentException ArgumentNullException ArraySegment BitConverter Boolean Byte Char Comparison Convert DateTime DateTimeKind DateTimeOffset DayOfWeek Decimal Double Enum Exception FormatException Func Guid IDisposable IEquatable Int16 Int32 Int64 InvalidOperationException Math MidpointRounding Nullable Object Predicate Random SByte Single String StringComparer StringComparison StringSplitOptions TimeSpan TimeZone TimeZoneInfo Tuple UInt16 UInt32 UInt64 Uri UriPartial ValueTuple",
  "System.Collections.Generic":
    "Dictionary HashSet ICollection IDictionary IEnumerable IEnumerator IList IReadOnlyCollection IReadOnlyDictionary IReadOnlyList ISet KeyValuePair List Queue Stack",
  "System.IO": "StringReader StringWriter",
  "System.Linq": "Enumerable IGrouping",
  "System.Net": "IPAddress WebUtility",
  "System.Security.Cryptography":
    "AsymmetricAlgorithm CipherMode HMAC HMACMD5 HMACSHA1 HMACSHA256 HMACSHA384 HMACSHA512 HashAlgorithm HashAlgorithmName KeyedHashAlgorithm MD5 Oid PaddingMode RNGCryptoServiceProvider RSA RSAEncryptionPadding RSASignaturePadding SHA1 SHA1Managed SHA256 SHA256Managed SHA384 SHA384Managed SHA512 SHA512Managed SymmetricAlgorithm",
  "System.Security.Cryptography.X509Certificates":
    "PublicKey RSACertificateExtensions X500DistinguishedName X509Certificate X509Certificate2 X509ContentType X509NameType",
  "System.Text": "Encoding StringBuilder",
  "System.Text.RegularExpressions": "Capture CaptureCollection Group GroupCollection Match MatchCollection Regex RegexOptions",
  "System.Xml": "XmlNodeType",
  "System.Xml.Linq":
    "Extensions XAttribute XCData XComment XContainer XDeclaration XDocument XDocumentType XElement XName XNamespace XNode XNodeDocumentOrderComparer XNodeEqualityComparer XObject XProcessingInstruction XText",
  "Newtonsoft.Json": "Formatting JsonConvert",
  "Newtonsoft.Json.Linq": "Extensions JArray JConstructor JContainer JObject JProperty JRaw JToken JTokenType JValue",
};

/** The types of `context`'s members. */
const serviceTypes =
  "Authorization BasicAuthCredentials IApi IBackend IContextApi IDeployment IGraphQLDataObject IGroup ILastError IMessageBody IOperation IPrivateEndpointConnection IProduct IRequest IResponse ISubscription ISubscriptionKeyParameterNames IUrl IUser IUserIdentity IWorkspace Jwt ProductState";

/** Types that are known to be refused, or that no sandbox lets through: files, processes, threads, network, reflection, the machine. */
const refused: Readonly<Record<string, string>> = {
  System: "Activator AppDomain AppContext Console Environment GC OperatingSystem Type",
  "System.Globalization": "CultureInfo",
  "System.IO":
    "BinaryReader BinaryWriter BufferedStream Directory DirectoryInfo DriveInfo File FileInfo FileMode FileStream FileSystemWatcher Path StreamReader StreamWriter",
  "System.Reflection": "Assembly BindingFlags MethodInfo PropertyInfo FieldInfo ConstructorInfo MemberInfo",
  "System.Diagnostics": "Debug Debugger Process ProcessStartInfo Stopwatch Trace",
  "System.Threading": "CancellationToken Interlocked Monitor Mutex Semaphore Thread ThreadPool Timer",
  "System.Threading.Tasks": "Parallel Task",
  "System.Net": "Dns HttpWebRequest WebClient WebRequest",
  "System.Net.Http": "HttpClient HttpRequestMessage HttpResponseMessage",
  "System.Net.Sockets": "Socket TcpClient UdpClient",
  "System.Runtime.InteropServices": "Marshal",
  "Microsoft.Win32": "Registry RegistryKey",
};

/** Namespaces of which nothing is allowed but what is listed. */
const refusedNamespaces =
  /^(?:System\.(?:IO|Reflection|Diagnostics|Threading|Runtime|Net\.Http|Net\.Sockets|Data|CodeDom|Management)|Microsoft\.(?:Win32|CSharp))\b/;

/** Types of which the page allows some members only. */
const listedMembers: Readonly<Record<string, string>> = {
  DateTime:
    "Add AddDays AddHours AddMilliseconds AddMinutes AddMonths AddSeconds AddTicks AddYears Date Day DayOfWeek DayOfYear DaysInMonth Hour IsDaylightSavingTime IsLeapYear MaxValue Millisecond Minute MinValue Month Now Parse Second Subtract Ticks TimeOfDay Today ToString UtcNow Year",
  DateTimeKind: "Utc",
  Enum: "Parse TryParse ToString",
  IPAddress: "AddressFamily Equals GetAddressBytes IsLoopback Parse TryParse ToString",
  JsonConvert: "SerializeObject DeserializeObject",
  Regex: "IsMatch Match Matches Replace Unescape Split",
};

const fullNames: ReadonlyMap<string, string> = names(listed);
const refusedNames: ReadonlyMap<string, string> = names(refused);
const ownNames: ReadonlySet<string> = new Set(serviceTypes.split(" "));
const memberNames: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(listedMembers).map(([type, members]) => [type, members.split(" ")]),
);

const namespaces: readonly string[] = [
  ...new Set([...Object.keys(listed), ...Object.keys(refused), "System.Collections", "System.Globalization"]),
].toSorted((a, b) => b.length - a.length);
const namespaceRoots: ReadonlySet<string> = new Set(namespaces.map((name) => name.split(".")[0] ?? name));

interface NamedType {
  readonly verdict: TypeVerdict;
  readonly simpleName: string;
  /** With its namespace where that is known. */
  readonly fullName: string;
  /** How many of the parts of a dotted name belong to the type; the rest are members. */
  readonly parts: number;
}

/** Names of all allowed types. */
export const allowedTypeNames: readonly string[] = [...fullNames.keys(), ...ownNames];

/** The type that a dotted name begins with; null for a name that no type is known by. */
export function typeNamed(parts: readonly string[]): NamedType | null {
  const [first = ""] = parts;
  return namespaceRoots.has(first) ? qualifiedType(parts) : simpleType(first);
}

/** Whether the page allows a static member of the type; null where it allows all, or does not know the type. */
export function allowedMembers(simpleName: string): readonly string[] | null {
  return memberNames.get(simpleName) ?? null;
}

function simpleType(name: string): NamedType | null {
  const own = fullNames.get(name) ?? (ownNames.has(name) ? name : undefined);
  if (own !== undefined) return { verdict: "allowed", simpleName: name, fullName: own, parts: 1 };
  const refusedName = refusedNames.get(name);
  return refusedName === undefined ? null : { verdict: "refused", simpleName: name, fullName: refusedName, parts: 1 };
}

function qualifiedType(parts: readonly string[]): NamedType | null {
  const whole = parts.join(".");
  const namespace = namespaces.find((name) => whole === name || whole.startsWith(`${name}.`)) ?? parts[0] ?? "";
  const length = namespace.split(".").length;
  const simpleName = parts[length];
  if (simpleName === undefined) return null;
  const fullName = `${namespace}.${simpleName}`;
  const verdict = verdictOf(simpleName, fullName);
  return { verdict, simpleName, fullName, parts: length + 1 };
}

function verdictOf(simpleName: string, fullName: string): TypeVerdict {
  if (fullNames.get(simpleName) === fullName || (simpleName === "Extensions" && fullName.endsWith(".Linq.Extensions"))) return "allowed";
  return refusedNames.get(simpleName) === fullName || refusedNamespaces.test(fullName) ? "refused" : "unlisted";
}

function names(table: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(table).flatMap(([namespace, types]) => types.split(" ").map((type): [string, string] => [type, `${namespace}.${type}`])),
  );
}
