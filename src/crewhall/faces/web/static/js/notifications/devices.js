// Telling this browser at once: asked for by a button, ended by another, and by whoever signs in here next.

import * as Turbo from "../../vendor/turbo.js";

import { call } from "../api.js";
import { toastError } from "../shell/toasts.js";

const WORKER = "/service-worker.js";
const OWNER = "crewhall_device_of";
const DEVICES = "crewhall_devices"; // one of each organization in which this browser is told
const CAN = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const kept = () => (localStorage.getItem(DEVICES) ?? "").split(" ").filter(Boolean);
const keep = (devices) => localStorage.setItem(DEVICES, devices.join(" "));

/** The subscription of this browser, or null. */
async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  return registration ? registration.pushManager.getSubscription() : null;
}

/** The device that this browser is, to the organization that is looked at; it may have been removed, or signed out. */
async function device() {
  if (!kept().length || !(await subscription())) return undefined;
  const { items } = await call("GET", "/notifications/devices");
  return items.find(({ id }) => kept().includes(id))?.id;
}

async function subscribe() {
  const { key } = await call("GET", "/notifications/push-key");
  await navigator.serviceWorker.register(WORKER);
  const { pushManager } = await navigator.serviceWorker.ready;
  const made = await subscribed(pushManager, { userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = made.toJSON();
  try {
    const { id } = await call("POST", "/notifications/devices", { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } });
    keep([...kept().filter((one) => one !== id), id]);
    localStorage.setItem(OWNER, document.body.dataset.viewer);
  } catch (error) {
    if (!kept().length) await made.unsubscribe();
    throw error;
  }
}

/** The subscription that there is, else a new one; one that was made with another key is of no more use. */
async function subscribed(pushManager, options) {
  try {
    return await pushManager.subscribe(options);
  } catch (error) {
    const former = await pushManager.getSubscription();
    if (!former) throw error;
    await former.unsubscribe();
    keep([]);
    return pushManager.subscribe(options);
  }
}

async function stop(id) {
  try {
    await call("DELETE", `/notifications/devices/${id}`);
  } catch (error) {
    if (error.status !== 404) throw error;
  }
  keep(kept().filter((one) => one !== id));
  if (!kept().length) await forget();
}

async function forget() {
  localStorage.removeItem(OWNER);
  localStorage.removeItem(DEVICES);
  await (await subscription())?.unsubscribe();
}

class Device extends HTMLElement {
  async connectedCallback() {
    this.state = this.querySelector("[data-state]");
    this.button = this.querySelector("button");
    this.button.addEventListener("click", () => this.#press());
    await this.#show();
  }

  async #show() {
    if (!CAN) return this.#say("This browser cannot be told, or only from an https address.");
    if (Notification.permission === "denied") {
      return this.#say("This browser refuses notifications of this site. Allow them in its settings, then come back.");
    }
    this.device = await device();
    this.button.hidden = false;
    this.button.textContent = this.device ? "Stop telling this browser" : "Tell this browser";
    return this.#say(this.device ? "This browser is told at once." : "This browser is not told.");
  }

  #say(text) {
    this.state.textContent = text;
  }

  async #press() {
    this.button.disabled = true;
    try {
      if (this.device) await stop(this.device);
      else if ((await Notification.requestPermission()) === "granted") await subscribe();
      else return await this.#show();
      return Turbo.visit(location.href, { action: "replace" }); // the list below knows it, too
    } catch (error) {
      toastError(error);
    } finally {
      this.button.disabled = false;
    }
    return this.#show();
  }
}

customElements.define("crew-device", Device);

// Whoever signs in at a browser is not told what was meant for who sat there before.
document.addEventListener("turbo:load", async () => {
  const viewer = document.body.dataset.viewer;
  const owner = CAN && localStorage.getItem(OWNER);
  if (!viewer || !owner || owner === viewer) return;
  await forget();
});
