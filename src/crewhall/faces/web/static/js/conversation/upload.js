// One file on its way to the server: a small one whole, a large one in parts that go on where they broke off. Told that
// there are too many, it waits as long as it is told, and goes on.

import { call, Problem } from "../api.js";

const PART = 4 * 1024 * 1024;
const PATIENCE = [1000, 3000, 8000];

export class Upload {
  #request = null;
  #cancelled = false;
  #place = null;

  /** `onProgress` is told the share that has gone, from 0 to 1. */
  constructor(conversation, file, onProgress) {
    this.conversation = conversation;
    this.file = file;
    this.onProgress = onProgress;
  }

  /** Send it; gives what the server says of the file. Called again after a failure it goes on. Throws Problem, TypeError. */
  async send() {
    this.#cancelled = false;
    const { file, conversation } = this;
    if (file.size <= PART) {
      const path = `/conversations/${conversation}/files?name=${encodeURIComponent(file.name)}`;
      const headers = { "content-type": "application/octet-stream" };
      return JSON.parse(await this.#patiently(() => this.#carry("POST", path, file, 0, headers)));
    }
    const begin = () => call("POST", `/conversations/${conversation}/uploads`, { name: file.name, size: file.size });
    this.#place ??= await this.#patiently(begin);
    const { id } = this.#place;
    for (let offset = await this.#offset(id); offset < file.size; offset = await this.#sendPart(id, offset));
    return this.#patiently(() => call("GET", `/files/${id}`));
  }

  /** Stop, and let the server forget it. */
  cancel() {
    this.#cancelled = true;
    this.#request?.abort();
    if (this.#place) call("DELETE", `/uploads/${this.#place.id}`).catch(() => {});
  }

  async #offset(id) {
    return (await this.#patiently(() => call("GET", `/uploads/${id}`))).offset;
  }

  /** Send what follows; a connection that breaks is taken up again a few times. Gives the offset then. */
  async #sendPart(id, offset) {
    const headers = { "content-type": "application/offset+octet-stream", "upload-offset": String(offset), "tus-resumable": "1.0.0" };
    for (const wait of [...PATIENCE, null]) {
      try {
        const part = this.file.slice(offset, offset + PART);
        await this.#patiently(() => this.#carry("PATCH", `/uploads/${id}`, part, offset, headers));
        return Math.min(this.file.size, offset + PART);
      } catch (error) {
        const passing = error instanceof TypeError || error.status >= 500 || error.code === "offset_passed";
        if (this.#cancelled || !passing || wait === null) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
        const now = await this.#offset(id).catch(() => offset);
        if (now !== offset) return now;
      }
    }
    return offset;
  }

  /** Ask, and ask again when the server has time for it. */
  async #patiently(ask) {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (this.#cancelled || error.status !== 429) throw error;
        const wait = error.details.retry_after ?? 1;
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
        if (this.#cancelled) throw error;
      }
    }
  }

  /** A request that says how far it is, which fetch does not. */
  #carry(method, path, body, before, headers) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.#request = request;
      request.open(method, `/api/v1${path}`);
      for (const [name, value] of Object.entries({ accept: "application/json", ...headers })) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => this.onProgress((before + loaded) / this.file.size);
      request.onerror = request.onabort = () => reject(new TypeError("The connection was lost."));
      request.onload = () => {
        if (request.status < 300) resolve(request.responseText);
        else reject(new Problem(request.status, detailsOf(request.responseText)));
      };
      request.send(body);
    });
  }
}

function detailsOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
