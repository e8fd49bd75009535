package giromq.jms;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import javax.jms.Queue;
import javax.jms.TextMessage;

/** Objects of "another JMS provider": they implement the interfaces and nothing of the client's. */
final class Foreign {
    private Foreign() {}

    static TextMessage textMessage(String text, Map<String, Object> properties) {
        Map<String, Object> fields = new HashMap<>();
        return implement(TextMessage.class, (proxy, method, arguments) -> {
            String name = method.getName();
            if (name.equals("getText")) return text;
            if (name.equals("getPropertyNames")) return Collections.enumeration(properties.keySet());
            if (name.equals("getObjectProperty")) return properties.get(arguments[0]);
            if (name.startsWith("set") && arguments.length == 1) fields.put(name.substring(3), arguments[0]);
            if (!name.startsWith("get")) return null;
            Object value = fields.get(name.substring(3));
            if (value != null || !method.getReturnType().isPrimitive()) return value;
            return defaultOf(method.getReturnType());
        });
    }

    private static Object defaultOf(Class<?> type) {
        if (type == boolean.class) return false;
        if (type == int.class) return 0;
        return 0L;
    }

    static Queue queue(String queueName) {
        return implement(Queue.class, (proxy, method, arguments) -> method.getReturnType() == String.class ? queueName : null);
    }

    private static <T> T implement(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(Foreign.class.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
