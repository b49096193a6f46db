"""The fault matrix: each fault on a real Kafka and a real S3, and the test that shows its outcome.

Faults strike at random moments under load. A run prints its seed; FAULT_SEED repeats those moments.
FAULT_ROUNDS=3 runs each such test three times. `make test-faults` runs the slow ones.

A worker that was killed while no other of its kind lives leaves its group at once: the test sends
what the end of its session would do (memberships.py). test_zombies and test_storm wait for the end
of real sessions.

Files are those of this folder; `integration/` and `unit/` are folders of tests/.

    Fault                                                     Shown by

    The indexer
    killed at every edge                                      integration/test_indexer
    stopped beyond its session, a peer takes over, continued  integration/test_indexer
                                                              (at any moment: test_indexer, slow)
    killed at any moment under load, 20 times                 test_indexer (slow)
    PostgreSQL restarted, its connections cut                 test_postgresql (slow)
    PostgreSQL frozen, full, a table locked; an older         test_postgresql (slow)
      standby in its place                                    integration/test_index_outages
                                                              integration/test_index_readers
    the object store away when a list ends                    test_indexer

    Workers
    GPU consumer killed at every edge, or at any moment       test_edges (at any moment: slow)
                                                              integration/test_gpu_consumer
    post-process worker killed between store, send and        test_edges
      acknowledgement                                         integration/test_postprocess
    stopped beyond its session, a peer takes over, continued  test_zombies
    engine or stream hangs                                    test_zombies
    rebalance storm; who leaves, by SIGTERM or kill -9, is    test_storm (minutes of it: slow)
      drawn
    a fetch ends with records while partitions move           test_storm
    SIGTERM under load                                        test_edges (slow)
                                                              integration/test_gpu_consumer and
                                                              test_postprocess (`sigterm`)
    SIGTERM, and the engine needs longer than the drain       test_draining
    SIGTERM, and the broker is unavailable                    test_broker (slow)
    a worker that lost its partition commits late             unit/gpu_consumers/test_ledger_model
                                                              (impossible); test_zombies
    one request takes minutes                                 test_slow_request
    a worker's disk is full                                   test_disk

    Submitting
    `submit` killed, interrupted, out of disk, then repeated  test_submitting
                                                              integration/test_submit
    Kafka or the object store away while a list is staged     integration/test_submit
    two submissions of one name at once                       integration/test_submit
    a bomb, or a damaged list                                 unit/producers/test_text_files
                                                              unit/producers/test_workbook

    Feeding
    a feeder killed at each edge, stopped beyond its session  integration/test_feeder
      while a peer takes over, told to leave; the broker or
      the object store away
    a feeder killed 20 times in a campaign                    integration/test_feed_ahead (slow)
    what is ahead is read from the topics by the next one     integration/test_feed_ahead
    one partition whose worker hangs                          unit/producers/feeder
    a part of a list missing or altered; a late checkpoint;   unit/producers/feeder
      rows that the broker refuses

    Kafka
    broker stopped, killed, paused; network cut or slow;      test_broker
      answers lost after the write                            (stopped, paused, network cut or slow:
                                                              slow)
    broker's disk is full                                     test_broker (slow)
    three brokers, replication 3, the leader killed           test_broker (slow)
    a broker that accepts hardly anything                     test_slow_broker (slow)
                                                              unit/gpu_consumers/test_publisher
    the dead-letter topic refuses                             test_redelivery
                                                              unit/gpu_consumers/test_publisher
    offsets reset: the whole topic is delivered again         test_redelivery
    retention deletes what was not read                       test_redelivery
                                                              integration/test_postprocess
                                                              integration/test_kafka
    a password is rotated; rights are taken away and given    integration/test_refused (slow)
      back; the broker ends sessions
    a group that never committed, and whose log was cut,      integration/test_gpu_consumer
      continues with what is left; committed offsets are      (`idle`)
      honoured

    Object store
    S3 down, frozen, 503; slow, bucket gone, credentials      test_store (all after 503: slow)
      revoked and restored

    Records and files
    poison in a running campaign: not JSON, wrong shape,      test_poison
      hostile text, a compressed-speaker bomb
    poison as large as the topic takes                        integration/test_gpu_consumer
                                                              integration/test_postprocess
    any bytes at all, in records                              unit/seedcast/test_fuzz
                                                              unit/gpu_consumers/chattts/
                                                              test_speaker_fuzz
    the same in the files of operators and models, and in a   unit/seedcast/test_fuzz_files
      stored voice lock                                       unit/gpu_consumers/chattts/
                                                              test_assets_fuzz

    Two versions in one campaign
    fingerprint or profile table changes between two halves   test_redelivery (slow)
    schema changes between two halves                         unit/schemas/test_wire: unknown fields
                                                              are ignored, old bytes stay readable
    two workers with different fingerprints in one group      test_redelivery
                                                              integration/test_verify

    Many kinds of faults in one campaign, at random           test_soak (slow)

test_can_fail (slow) shows that these tests can fail. The same scenarios go red if the ledger's
bitmap is ignored, if commits precede delivery, if audio is sent twice, and if a Faust agent has two
instances.

Not covered: a jump of a whole machine's clock, which only root could make. Sessions, time-outs and
the watchdog use the monotonic clock. A deadline is compared with the wall clock, once, so a jump
changes which requests expire. S3 refuses signatures that are a quarter of an hour off; a worker
waits until they are accepted (tests/integration/test_storage).
"""
