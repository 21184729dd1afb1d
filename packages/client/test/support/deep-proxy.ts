const proxies = new WeakMap<object, object>();

/**
 * Wraps an object and every object that is read from it, as Vue's `reactive` does: plain objects, instances of classes
 * and arrays get the proxy as the receiver of their getters and methods; collections get methods that call the original
 * ones. The same object has the same proxy.
 */
export function deepProxy<T extends object>(target: T): T {
  const known = proxies.get(target);
  if (known) return known as T;
  const type = Object.prototype.toString.call(target).slice(8, -1);
  if (!["Object", "Array", "Map", "Set", "WeakMap", "WeakSet"].includes(type)) return target;
  if (!Object.isExtensible(target)) return target;
  const isCollection = type !== "Object" && type !== "Array";
  const proxy = new Proxy(target, isCollection ? COLLECTION : RECORD);
  proxies.set(target, proxy);
  return proxy as T;
}

const RECORD: ProxyHandler<object> = {
  get: (target, name, receiver) => wrapped(Reflect.get(target, name, receiver)),
};

const COLLECTION: ProxyHandler<object> = {
  get(target, name) {
    const value: unknown = Reflect.get(target, name, target);
    if (typeof value !== "function") return value;
    return (...args: unknown[]) => wrapped(value.apply(target, args));
  },
};

function wrapped(value: unknown): unknown {
  return typeof value === "object" && value !== null ? deepProxy(value) : value;
}
