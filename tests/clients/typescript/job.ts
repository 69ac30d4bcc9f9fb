// A job by the generated client: push, promote, run, poll to the end, list.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

type Run = components["schemas"]["Run"];

const { COMFYD_URL: baseUrl = "", COMFYD_KEY: key = "", MACHINE_URL: machineUrl = "" } = process.env;
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

/** Give the data of an answer; a problem is an exception, with its stable code. */
function ok<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

async function ended(runId: string): Promise<Run> {
  for (;;) {
    const run = ok(await api.GET("/v1/runs/{run_id}", { params: { path: { run_id: runId } } }));
    if (run.ended_at !== null) return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const graph = {
  "1": {
    class_type: "ComfyUIDeployExternalNumberInt",
    inputs: { input_id: "colour", default_value: 255 },
  },
  "2": { class_type: "EmptyImage", inputs: { width: 16, height: 8, batch_size: 1, color: ["1", 0] } },
  "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "typescript" } },
};

const machine = ok(await api.POST("/v1/machines", { body: { name: "typescript", url: machineUrl } }));
const version = ok(await api.POST("/v1/workflows", { body: { name: "typescript", graph } }));
const deployment = ok(
  await api.PUT("/v1/workflows/{workflow_id}/deployments/{environment_name}", {
    params: { path: { workflow_id: version.workflow_id, environment_name: "production" } },
    body: { version: version.version, machine_id: machine.id },
  }),
);
const created = ok(
  await api.POST("/v1/runs", { body: { deployment_id: deployment.id, inputs: { colour: 1 } } }),
);
const run = await ended(created.id);
const refused = await api.POST("/v1/runs", {
  body: { deployment_id: deployment.id, inputs: { size: 1 } },
});

console.log(
  JSON.stringify({
    status: run.status,
    files: run.outputs.map((output) => output.filename),
    listed: ok(await api.GET("/v1/runs", { params: { query: { limit: 1 } } })).data.map((r) => r.id),
    run: run.id,
    refused: refused.error?.code,
  }),
);
