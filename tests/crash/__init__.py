"""The fault matrix: each fault on a real Kafka and a real S3, and the test that shows its outcome.

Moments are drawn at random under load; FAULT_SEED repeats those of a run, which prints it, and FAULT_ROUNDS=3 runs each such test three times.
What is marked slow runs by `make test-faults`.

| fault | shown by |
|---|---|
| GPU consumer killed at every edge, or at any moment | test_edges; tests/integration/test_gpu_consumer |
| post-process worker killed between store, send and acknowledgement | test_edges; tests/integration/test_postprocess |
| `submit` killed, interrupted, out of disk, then run again | test_submitting; tests/integration/test_submit |
| worker stopped beyond its session, a peer takes over, then continued | test_zombies |
| engine or stream hangs | test_zombies |
| rebalance storm | test_storm (minutes of it: slow) |
| SIGTERM under load | test_edges; tests/integration/test_gpu_consumer and test_postprocess (`sigterm`) |
| SIGTERM, and the engine needs longer than the drain | test_draining |
| SIGTERM, and the broker is away | test_broker (slow) |
| GPU consumer killed while it parks a request of a paused campaign, or puts it back | test_parking (slow) |
| broker stopped, killed, paused; the network cut or slow; answers lost after the write | test_broker (stopped, paused, slow network: slow) |
| broker's disk full | test_broker (slow) |
| three brokers, replication 3, the leader killed | test_broker (slow) |
| a broker that takes hardly anything of what is made | test_narrow (slow); tests/unit/gpu_consumers/test_publisher |
| S3 down, frozen, 503, slow, bucket gone, credentials revoked and restored | test_store (slow store: slow) |
| poison in a campaign under way: not JSON, wrong shape, hostile text, a compressed-speaker bomb | test_poison |
| poison as large as the topic takes | tests/integration/test_gpu_consumer and test_postprocess |
| any bytes at all | tests/unit/seedcast/test_fuzz, tests/unit/gpu_consumers/chattts/test_speaker_fuzz |
| the same in the files of operators and models, and in a stored voice lock | tests/unit/seedcast/test_fuzz_files, …/chattts/test_assets_fuzz |
| a group that never committed, and whose log was cut, goes on with what is left; what was committed is held to | tests/integration/test_gpu_consumer (`idle`) |
| retention deletes what was not read | test_again; tests/integration/test_postprocess and test_kafka |
| a worker that lost its partition commits late | tests/unit/gpu_consumers/test_ledger_model: impossible; test_zombies |
| fingerprint or profile table changes between two halves of a campaign | test_again (slow) |
| schema changes between two halves | tests/unit/schemas/test_wire: unknown fields are ignored, what was written stays readable |
| the dead-letter topic refuses | test_again; tests/unit/gpu_consumers/test_publisher |
| offsets reset: the whole topic again | test_again |
| one request takes minutes | test_slow_request |
| two workers with different fingerprints in one group | test_again; tests/integration/test_verify |
| a worker's disk full | test_disk |
| faults of many kinds in one campaign, at random | test_soak (slow) |

That these tests can fail is shown by test_can_fail (slow): with the bitmap of the ledger ignored, with commits before delivery, with audio sent twice, and
with two instances of a Faust agent, the same nights go red.

A jump of a whole machine's clock only root could make. Sessions, time-outs and the watchdog go by the monotonic clock; a deadline is judged by the
wall clock, once, so a jump moves which requests expire; S3 refuses signatures of another quarter of an hour, which is waited out
(tests/integration/test_storage).
"""
