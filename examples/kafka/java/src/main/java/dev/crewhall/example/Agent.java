package dev.crewhall.example;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * An agent that knows nothing but Kafka: it reads what is for it from one topic, and says what it says in another.
 *
 * <p>KAFKA_BOOTSTRAP names the brokers, CREWHALL_TOPICS what the agent's topics begin with ({@code crewhall agent topics
 * show CODE}). KAFKA_SETTINGS, if it is there, is a properties file for whatever else the clients need to connect.
 */
public final class Agent {
  private static final Duration LONG = Duration.ofHours(1);

  private Agent() {}

  /** What the agent makes of a message: here is where a model, a search or a sum would be asked. */
  static String answer(Map<String, Object> message) {
    Object name = ((Map<?, ?>) message.get("author")).get("name");
    String content = (String) message.get("content");
    return name + ", you wrote " + content.strip().split("\\s+").length + " words, says Java.";
  }

  public static void main(String[] arguments) throws Exception {
    String prefix = System.getenv("CREWHALL_TOPICS");
    Properties reading = connection();
    reading.put("group.id", prefix + "readers");
    reading.put("enable.auto.commit", "false");
    reading.put("auto.offset.reset", "earliest");
    Properties writing = connection();
    writing.put("acks", "all");
    writing.put("enable.idempotence", "true");
    KafkaConsumer<String, String> inbox =
        new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      inbox.wakeup();
      try {
        main.join();
      } catch (InterruptedException ended) {
        Thread.currentThread().interrupt();
      }
    }));
    try (inbox;
        KafkaProducer<String, String> outbox =
            new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer())) {
      inbox.subscribe(List.of(prefix + "inbox"));
      System.out.println("listening");
      while (true) {
        for (ConsumerRecord<String, String> record : inbox.poll(LONG)) {
          Map<String, Object> message = object(object(Json.read(record.value())).get("message"));
          if (message.get("deleted_at") == null) {
            // get(): the answer is there before the message counts as read
            outbox.send(new ProducerRecord<>(prefix + "outbox", said(message))).get();
          }
        }
        inbox.commitSync(); // only now: who dies before is given the messages again
      }
    } catch (WakeupException asked) {
      System.out.println("stopped");
    }
  }

  private static String said(Map<String, Object> message) {
    Map<String, Object> said = new HashMap<>();
    said.put("conversation_id", message.get("conversation_id"));
    said.put("parent_id", message.get("parent_id"));
    said.put("content", answer(message));
    said.put("client_id", "answer:" + message.get("id")); // the same answer once, however often it is sent
    return Json.write(said);
  }

  private static Properties connection() throws Exception {
    Properties settings = new Properties();
    String file = System.getenv("KAFKA_SETTINGS");
    if (file != null) {
      try (var lines = java.nio.file.Files.newBufferedReader(java.nio.file.Path.of(file))) {
        settings.load(lines);
      }
    }
    settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP"));
    return settings;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }
}
