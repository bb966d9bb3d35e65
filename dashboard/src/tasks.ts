// Work in small pieces: each job is a task of its own, so that no input waits for several.
const jobs: (() => void)[] = [];
const channel = new MessageChannel();
channel.port1.onmessage = () => jobs.shift()?.();

/** Runs the job soon, after what was given before it. */
export function later(job: () => void): void {
  jobs.push(job);
  channel.port2.postMessage(null);
}
